// What a release of this program is to others: which versions of things it understands. The tests
// build the release that is to follow, to run it beside this one.
#pragma once

#include <string>

#include "doozer/version.h"
#include "replica/rules.h"
#include "wire/member_protocol.h"

namespace doozer::server {

struct Release {
    std::string version = DOOZER_VERSION;
    wire::MemberVersions member_protocol;
    replica::RulesTable rules;
};

}  // namespace doozer::server
