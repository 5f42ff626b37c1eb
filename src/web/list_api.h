// /v1/walk and /v1/list: many files, and the names in a directory.
#pragma once

#include "web/exchange.h"

namespace doozer::web {

ExchangePtr make_walk(Call call);
ExchangePtr make_list(Call call);

}  // namespace doozer::web
