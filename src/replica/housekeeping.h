// What a process writes without being asked: the entries of a founded cluster, and every now and
// then how far it has come. Source: cluster.md, What the server writes itself.
#pragma once

#include <string>

#include "base/ids.h"
#include "base/time.h"
#include "replica/proposals.h"

namespace doozer::replica {

/// What a process knows of itself from the start.
struct Identity {
    ProcessId id;              ///< 16 characters of Base32, never used before
    std::string cluster_name;  ///< a path component
    std::string address;       ///< host:port, by which the others know this process
    std::string hostname;
    std::string version;
};

class Housekeeping {
  public:
    /// REQUIRES: pulse > 0.
    Housekeeping(Identity identity, Duration pulse)
        : identity_(std::move(identity)), pulse_(pulse) {}

    /// Proposes all that makes a cluster of one out of nothing.
    void found(Proposals& proposals) const;

    /// Proposes the pulse when it is due.
    void tick(Instant now, Revision applied, Proposals& proposals);

    [[nodiscard]] Instant deadline() const { return next_pulse_; }
    [[nodiscard]] ProcessId const& id() const { return identity_.id; }

  private:
    void set(Proposals& proposals, std::string const& path, std::string const& value) const;
    [[nodiscard]] std::string node_path(std::string const& name) const;

    Identity identity_;
    Duration pulse_;
    Instant next_pulse_{0};
};

}  // namespace doozer::replica
