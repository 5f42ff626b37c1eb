// /$events/: what the page is told over its WebSocket. Source: web.md.
#pragma once

#include "web/exchange.h"

namespace doozer::web {

ExchangePtr make_page_stream(Call call);

}  // namespace doozer::web
