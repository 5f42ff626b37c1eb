// The status of a process as JSON: what `doozer status --json`, GET /v1/cluster and the cluster's
// page have. Its fields are listed in docs/protocol.md, Status.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "replica/ancestry.h"
#include "replica/status.h"
#include "server/chronicle.h"
#include "server/latency_window.h"
#include "wire/member_protocol.h"

namespace doozer::server {

/// What the shell knows beyond the replica.
struct ProcessFigures {
    wire::MemberVersions member_protocol;
    std::size_t connections = 0;
    std::size_t waiters = 0;
    std::uint64_t writes = 0;
    double writes_per_second = 0;
    std::optional<LatencyWindow::Quantiles> commit;
};

/// What tells a store from others.
struct StoreStatus {
    std::string cluster;
    consensus::Lineage lineage;
    replica::Ancestry ancestry;
};

/// The part that clients ask for at each connection.
std::string store_text(StoreStatus const& store);

std::string status_text(replica::Status const& status, replica::Ancestry const& ancestry,
                        ProcessFigures const& figures, Chronicle const& chronicle);

}  // namespace doozer::server
