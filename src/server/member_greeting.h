// Whether two processes may link: what is judged when one has greeted the other.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "net/address.h"
#include "wire/member_stream.h"

namespace doozer::server {

/// Who a process is to others.
struct MemberSelf {
    base::ProcessId id;
    std::string cluster_name;
    net::Address advertised;
};

using wire::MemberVersions;

/// The newest version that both understand.
std::optional<std::uint16_t> common_version(MemberVersions const& ours,
                                            wire::Greeting const& theirs);

/// Why a process that greets so is not linked to, if so.
std::optional<wire::Refusal> objection(MemberSelf const& self, MemberVersions const& versions,
                                       wire::Greeting const& theirs);

/// What is to be done where members do not know each other by a secret.
inline constexpr std::string_view how_to_know_members =
    "set DOOZER_CLUSTER_SECRET or -clustersecret on all of them, or -insecure-members where nobody "
    "else can connect";

/// What somebody else wrote, for the log: one line, nothing that a terminal would obey, not long.
std::string printable(std::string_view text);

}  // namespace doozer::server
