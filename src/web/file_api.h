// /v1/file, /v1/stat and /v1/history: one file.
#pragma once

#include "web/exchange.h"

namespace doozer::web {

ExchangePtr make_file(Call call);
ExchangePtr make_stat(Call call);
ExchangePtr make_history(Call call);

}  // namespace doozer::web
