// /metrics: what the process counts, in the text format that Prometheus reads.
#pragma once

#include <cstddef>
#include <string>

#include "store/store.h"
#include "web/metrics.h"

namespace doozer::web {

/// What is measured of the web view itself.
struct WebGauges {
    std::size_t connections = 0;
    std::size_t streams = 0;
    std::size_t buffered_bytes = 0;
};

std::string metrics_text(Metrics const& metrics, Gauges const& gauges, WebGauges const& web,
                         store::Store const& store);

}  // namespace doozer::web
