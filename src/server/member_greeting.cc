#include "server/member_greeting.h"

#include <algorithm>

namespace doozer::server {
namespace {

using wire::Refusal;
using wire::RefusalReason;

constexpr std::size_t printable_bytes_max = 300;

bool is_process_id(std::string_view id) {
    return id.size() == base::process_id_chars && std::all_of(id.begin(), id.end(), [](char c) {
               return (c >= 'A' && c <= 'Z') || (c >= '2' && c <= '7');
           });
}

std::string span(std::uint16_t oldest, std::uint16_t newest) {
    return std::to_string(oldest) + " to " + std::to_string(newest);
}

}  // namespace

std::optional<std::uint16_t> common_version(MemberVersions const& ours,
                                            wire::Greeting const& theirs) {
    std::uint16_t const newest = std::min(ours.newest, theirs.newest_version);
    if (newest < std::max(ours.oldest, theirs.oldest_version)) return std::nullopt;
    return newest;
}

std::optional<Refusal> objection(MemberSelf const& self, MemberVersions const& versions,
                                 wire::Greeting const& theirs) {
    if (!common_version(versions, theirs)) {
        return Refusal{RefusalReason::version, self.id,
                       "member protocol is version " + span(versions.oldest, versions.newest) +
                           ", not " + span(theirs.oldest_version, theirs.newest_version)};
    }
    if (theirs.cluster_name != self.cluster_name) {
        return Refusal{
            RefusalReason::cluster_name, self.id,
            "cluster is named " + self.cluster_name + ", not " + printable(theirs.cluster_name)};
    }
    if (!is_process_id(theirs.id) || !net::parse_address(theirs.address, 0).ok()) {
        return Refusal{RefusalReason::malformed, self.id, "no id or no address in the greeting"};
    }
    if (theirs.id == self.id) {
        return Refusal{RefusalReason::same_id, self.id, "this is the process itself"};
    }
    if (!theirs.expected_id.empty() && theirs.expected_id != self.id) {
        return Refusal{RefusalReason::other_id, self.id,
                       "process here is " + self.id + ", not " + printable(theirs.expected_id)};
    }
    return std::nullopt;
}

std::string printable(std::string_view text) {
    std::string line(text.substr(0, printable_bytes_max));
    std::replace_if(
        line.begin(), line.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
    return line;
}

}  // namespace doozer::server
