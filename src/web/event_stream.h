// /v1/watch: changes as server-sent events. Source: HTML standard, 9.2.
#pragma once

#include "web/exchange.h"

namespace doozer::web {

ExchangePtr make_event_stream(Call call);

}  // namespace doozer::web
