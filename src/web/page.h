// The page itself and what it is made of, all of it in the binary.
#pragma once

#include "web/exchange.h"

namespace doozer::web {

ExchangePtr make_page(Call call);
ExchangePtr make_asset(Call call);
/// What the process knows of its cluster.
ExchangePtr make_cluster_page(Call call);
/// The OpenAPI document.
ExchangePtr make_interface_document(Call call);

}  // namespace doozer::web
