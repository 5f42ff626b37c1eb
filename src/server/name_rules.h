// What a process that was started with -b makes of what it finds in the DzNS, the cluster in which
// clusters are looked up by their names: which addresses to dial, which process founds the cluster,
// which entries are to be there. Pure: it is told what there is and at which time, and says what is
// to be done.
//
// Two paths of the DzNS are about a cluster NAME. /ctl/ns/NAME/<id> holds the address of a member,
// or of a process that looks for the cluster. /ctl/boot/NAME holds the id of its founder; while it
// is there, no process founds another one. Before a process founds, it claims the name: "claimed by
// <id>". Another process may take the claim from one that does not go on. No time that passes
// anywhere can lead to two clusters, since a process founds only when its claim, unchanged, has
// become its id. Source: doozerd(8), THE CLUSTER BY ITS NAME.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/time.h"

namespace doozer::server {

/// What there is in the DzNS, all as of one revision.
struct NameView {
    struct File {
        std::string value;
        std::int64_t rev = 0;  ///< 0: there is no such file
    };
    std::map<std::string, File> entries;  ///< /ctl/ns/NAME/*, by id
    File boot;
};

/// What a process is, and what it knows of its cluster.
struct NameSelf {
    enum class Stage { looking, following, voting };
    base::ProcessId id;
    std::string address;
    Stage stage = Stage::looking;
    std::set<std::string> members = {};  ///< ids in /ctl/ns/NAME of the cluster itself
    bool alone = false;  ///< nobody else belongs to it: the cluster ends with this one

    bool operator==(NameSelf const&) const = default;
};

/// A change of the DzNS, on the condition that the file is still at that revision.
struct NameChange {
    enum class Where { entry, boot };
    Where where = Where::entry;
    std::string id = {};  ///< of the entry
    bool remove = false;  ///< or set to `value`
    std::string value = {};
    std::int64_t rev = 0;

    bool operator==(NameChange const&) const = default;
};

/// What is to be done, in this order.
struct NamePlan {
    std::vector<NameChange> changes = {};
    std::vector<std::string> dial = {};  ///< addresses where the cluster may be, while looking
    bool found = false;                  ///< this process founds the cluster
    std::string waits_for = {};          ///< the id of a founder of whose cluster nobody answers
};

class NameRules {
  public:
    struct Times {
        /// How long those who are registered may take to answer before it counts as nobody.
        base::Duration answer_within = base::seconds(2);
        /// How long a claim stands before it becomes a foundation, for members to put their entries
        /// back: the DzNS itself may have lost its memory a moment ago.
        base::Duration grace = base::seconds(1);
        /// How long somebody else's claim may stand.
        base::Duration claim_within = base::seconds(3);
        /// How long an entry of nobody who is known may stand.
        base::Duration unknown_for = base::seconds(5);
    };
    NameRules() : NameRules(Times{}) {}
    explicit NameRules(Times times) : times_(times) {}

    NamePlan plan(base::Instant now, NameView const& view, NameSelf const& self);

    /// What is to go when this process stops.
    static std::vector<NameChange> farewell(NameView const& view, NameSelf const& self);

    /// What stands in the boot file while the process of this id is about to found the cluster.
    static std::string claim_of(base::ProcessId const& id) { return "claimed by " + id; }

  private:
    void look(base::Instant now, NameView const& view, NameSelf const& self, NamePlan& plan);
    void claim(base::Instant now, NameView const& view, NameSelf const& self, NamePlan& plan);
    void keep(base::Instant now, NameView const& view, NameSelf const& self, NamePlan& plan);

    struct Unknown {
        std::int64_t rev = 0;
        base::Instant since;
    };
    Times times_;
    base::Instant looking_since_ = base::never;  // without anybody who answers
    std::int64_t claim_rev_ = 0;  // of the claim that stands in the boot file, if one does
    base::Instant claimed_since_ = base::never;
    std::set<std::string> members_before_;
    std::map<std::string, Unknown> unknown_;  // entries of nobody in this cluster
};

}  // namespace doozer::server
