// What a process knows of its cluster and of itself, for people and for programs that show it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "consensus/core.h"
#include "replica/membership.h"
#include "replica/neighbours.h"
#include "replica/state.h"

namespace doozer::replica {

/// What the status says of every registered process.
struct ProcessStatus {
    ProcessId id;
    std::string address;
    std::string hostname;
    std::string version;
    bool self = false;
    std::optional<Revision> applied;  ///< what it said last
    std::optional<std::int64_t> lag;  ///< how many changes behind this process it is; not negative
};

struct MemberStatus : ProcessStatus {
    std::optional<std::string> slot;     ///< its name in /ctl/cal; none: it was given to another
    bool owner = false;                  ///< has a lane in this epoch
    bool up = false;                     ///< this process has heard it lately
    std::optional<Duration> silent;      ///< for how long not; none: never heard
    std::optional<Duration> rtt;         ///< from here
    std::map<ProcessId, Duration> rtts;  ///< from there, to other members
};

/// Of one lane, in slots of this epoch.
struct LaneStatus {
    ProcessId owner;
    std::uint64_t applied = 0;  ///< here, everything below it
    std::uint64_t chosen = 0;   ///< of this lane: a majority has everything below
    std::uint64_t pending = 0;  ///< batches of this lane that are known here and not applied
};

struct Status {
    enum class Role { founding, attaching, follower, member };

    std::string cluster;
    consensus::Lineage lineage;
    ProcessId id;
    std::string address;
    std::string version;
    Role role = Role::attaching;
    Rules rules = 1;  ///< by which the cluster applies changes
    Revision revision;
    std::uint64_t epoch = 0;
    bool quorum = false;  ///< this process hears a majority of the voters
    std::size_t voters = 0;
    std::size_t majority = 0;
    std::vector<MemberStatus> members;     ///< in the order of their ids
    std::vector<ProcessStatus> followers;  ///< registered, and no members
    std::vector<std::string> free_slots;   ///< their names in /ctl/cal
    std::vector<LaneStatus> lanes;
};

char const* name_of(Status::Role role);

/// Collects everything that this process knows.
Status status_of(Instant now, consensus::Core const& core, Membership const& membership,
                 State const& state, Neighbours const& neighbours);

/// Whether this process has heard a majority of the voters lately, itself included if it votes.
bool hears_majority(Instant now, consensus::Core const& core);

}  // namespace doozer::replica
