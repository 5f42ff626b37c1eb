// /v1/rev, /v1/self, /v1/cluster, /v1/wait, the health of the process, and its metrics.
#pragma once

#include "web/exchange.h"

namespace doozer::web {

ExchangePtr make_rev(Call call);
ExchangePtr make_self(Call call);
ExchangePtr make_cluster(Call call);
ExchangePtr make_wait(Call call);
ExchangePtr make_health(Call call);
ExchangePtr make_readiness(Call call);
ExchangePtr make_metrics(Call call);

}  // namespace doozer::web
