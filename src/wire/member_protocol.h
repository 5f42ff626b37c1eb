// Which versions of the member protocol there are. Two processes speak the newest that both know
// (docs/member-links.md), so that a cluster can be upgraded one process after the other.
#pragma once

#include <cstdint>

namespace doozer::wire {

/// The versions that a program speaks.
///
/// The newest grows by one whenever a message of the old form would be read otherwise or not at
/// all: a field or a kind of message that is new, gone or elsewhere, a number written in another
/// way. There is no skipping of what is unknown: half of a promise is worse than none. The codec
/// keeps the form of the version before, and drops the one before that.
struct MemberVersions {
    std::uint16_t oldest = 1;
    std::uint16_t newest = 2;
};

/// From this one on a link without TLS carries a checksum with each record after the greeting.
inline constexpr std::uint16_t checksum_version = 2;

/// What this program speaks.
inline constexpr MemberVersions member_versions{};

}  // namespace doozer::wire
