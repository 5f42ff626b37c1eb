#include "server/name_rules.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace doozer::server {
namespace {

using base::Instant;
using base::milliseconds;
using base::seconds;
using Stage = NameSelf::Stage;
using Where = NameChange::Where;

/// A DzNS and the time, and processes that look at it.
struct Dzns {
    NameView view;
    Instant now{0};
    std::int64_t rev = 100;

    void make(std::vector<NameChange> const& changes) {
        for (NameChange const& c : changes) {
            auto& file = c.where == Where::boot ? view.boot : view.entries[c.id];
            bool const holds = c.rev == file.rev;
            if (holds && c.remove) file = {};
            if (holds && !c.remove) file = {c.value, ++rev};
            std::erase_if(view.entries, [](auto const& item) { return item.second.rev == 0; });
        }
    }
    void put(std::string const& id, std::string const& address) {
        view.entries[id] = {address, ++rev};
    }
    [[nodiscard]] bool has(std::string const& id) const { return view.entries.contains(id); }
};

struct Process {
    explicit Process(std::string const& id, Stage stage = Stage::looking) {
        self.id = id;
        self.address = id + ":1";
        self.stage = stage;
    }
    NamePlan look(Dzns& dzns) {
        NamePlan plan = rules.plan(dzns.now, dzns.view, self);
        dzns.make(plan.changes);
        return plan;
    }
    NameSelf self;
    NameRules rules;
};

TEST(NameRules, OneProcessAloneRegistersAndFoundsAfterTheGrace) {
    Dzns dzns;
    Process a("a");
    EXPECT_FALSE(a.look(dzns).found);
    EXPECT_EQ(dzns.view.entries.at("a").value, "a:1");
    EXPECT_EQ(dzns.view.boot.value, "claimed by a");
    a.look(dzns);
    dzns.now = dzns.now + milliseconds(999);
    EXPECT_TRUE(a.look(dzns).changes.empty());
    dzns.now = dzns.now + milliseconds(1);
    EXPECT_FALSE(a.look(dzns).found);
    EXPECT_EQ(dzns.view.boot.value, "a");
    EXPECT_TRUE(a.look(dzns).found);
}

TEST(NameRules, OfProcessesThatLookAtTheSameTimeOneFounds) {
    Dzns dzns;
    Process a("a");
    Process b("b");
    NameView const empty = dzns.view;
    auto const from_a = a.rules.plan(dzns.now, empty, a.self);
    auto const from_b = b.rules.plan(dzns.now, empty, b.self);
    dzns.make(from_b.changes);
    dzns.make(from_a.changes);  // its SET of the boot file comes too late
    int found = 0;
    for (int i = 0; i < 40; ++i) {
        NamePlan const plan = a.look(dzns);
        EXPECT_FALSE(plan.found);
        EXPECT_EQ(plan.dial, std::vector<std::string>{"b:1"});
        found += b.look(dzns).found ? 1 : 0;
        dzns.now = dzns.now + milliseconds(250);
    }
    EXPECT_GT(found, 0);
    EXPECT_EQ(dzns.view.boot.value, "b");
}

TEST(NameRules, AClaimOfWhoHasDiedIsTakenOver) {
    Dzns dzns;
    Process dead("dead");
    dead.look(dzns);
    Process a("a");
    a.look(dzns);
    dzns.now = dzns.now + milliseconds(2999);
    a.look(dzns);
    EXPECT_EQ(dzns.view.boot.value, "claimed by dead");
    dzns.now = dzns.now + milliseconds(1);
    a.look(dzns);
    EXPECT_EQ(dzns.view.boot.value, "claimed by a");
    a.look(dzns);
    dzns.now = dzns.now + seconds(1);
    a.look(dzns);
    EXPECT_TRUE(a.look(dzns).found);
}

TEST(NameRules, WhoWasTooSlowWithItsClaimDoesNotFound) {
    Dzns dzns;
    Process slow("slow");
    slow.look(dzns);
    slow.look(dzns);
    dzns.now = dzns.now + seconds(1);
    auto const late = slow.rules.plan(dzns.now, dzns.view, slow.self);  // it stands still here
    Process a("a");
    a.look(dzns);
    dzns.now = dzns.now + seconds(3);
    a.look(dzns);
    dzns.make(late.changes);
    EXPECT_EQ(dzns.view.boot.value, "claimed by a");
    EXPECT_FALSE(slow.look(dzns).found);
    dzns.now = dzns.now + seconds(1);
    a.look(dzns);
    dzns.now = dzns.now + seconds(1);
    a.look(dzns);
    EXPECT_TRUE(a.look(dzns).found);
    EXPECT_FALSE(slow.look(dzns).found);
}

TEST(NameRules, AMemberTakesTheNameFromWhoClaimsIt) {
    Dzns dzns;  // it has lost its memory
    Process fresh("fresh");
    fresh.look(dzns);
    fresh.look(dzns);
    dzns.now = dzns.now + seconds(1);
    auto const late = fresh.rules.plan(dzns.now, dzns.view, fresh.self);
    Process member("member", Stage::voting);
    member.look(dzns);
    EXPECT_EQ(dzns.view.boot.value, "member");
    dzns.make(late.changes);
    EXPECT_EQ(dzns.view.boot.value, "member");
    EXPECT_FALSE(fresh.look(dzns).found);
}

TEST(NameRules, WhoIsRegisteredMayAnswerBeforeAnotherClusterIsFounded) {
    Dzns dzns;
    dzns.put("x", "x:1");
    Process a("a");
    EXPECT_EQ(a.look(dzns).dial, std::vector<std::string>{"x:1"});
    dzns.now = dzns.now + milliseconds(1999);
    a.look(dzns);
    EXPECT_FALSE(dzns.has("a"));
    EXPECT_EQ(dzns.view.boot.rev, 0);
    dzns.now = dzns.now + milliseconds(1);
    a.look(dzns);
    EXPECT_TRUE(dzns.has("a"));
    EXPECT_EQ(dzns.view.boot.value, "claimed by a");
}

TEST(NameRules, AClusterThatWasFoundedIsWaitedForForEver) {
    Dzns dzns;
    dzns.view.boot = {"dead", 7};
    Process a("a");
    for (int i = 0; i < 1000; ++i) {
        NamePlan const plan = a.look(dzns);
        EXPECT_FALSE(plan.found);
        EXPECT_EQ(plan.waits_for, i >= 2 ? "dead" : "");
        dzns.now = dzns.now + seconds(1);
    }
    dzns.view.boot = {};  // the operator's word
    a.look(dzns);
    EXPECT_EQ(dzns.view.boot.value, "claimed by a");
}

TEST(NameRules, WhatAForerunnerLeftAtThisAddressIsRemoved) {
    for (Stage const stage : {Stage::looking, Stage::following, Stage::voting}) {
        Dzns dzns;
        dzns.put("old", "a:1");
        Process a("a", stage);
        EXPECT_TRUE(a.look(dzns).dial.empty());
        EXPECT_FALSE(dzns.has("old"));
    }
}

TEST(NameRules, OnlyMembersStayRegistered) {
    Dzns dzns;
    Process a("a");
    a.look(dzns);
    EXPECT_TRUE(dzns.has("a"));
    a.self.stage = Stage::following;
    a.look(dzns);
    EXPECT_FALSE(dzns.has("a"));
    a.self.stage = Stage::voting;
    a.look(dzns);
    EXPECT_TRUE(dzns.has("a"));
    EXPECT_TRUE(a.look(dzns).changes.empty());
}

TEST(NameRules, WhatADznsHasLostIsPutBack) {
    Dzns dzns;
    Process a("a", Stage::voting);
    a.look(dzns);
    EXPECT_EQ(dzns.view.entries.at("a").value, "a:1");
    EXPECT_EQ(dzns.view.boot.value, "a");  // nobody founds it anew
    dzns.put("a", "rubbish");
    a.look(dzns);
    EXPECT_EQ(dzns.view.entries.at("a").value, "a:1");
}

TEST(NameRules, TheEntryOfARemovedMemberGoesAtOnce) {
    Dzns dzns;
    Process a("a", Stage::voting);
    a.self.members = {"a", "b"};
    dzns.put("b", "b:1");
    a.look(dzns);
    EXPECT_TRUE(dzns.has("b"));
    a.self.members = {"a"};
    a.look(dzns);
    EXPECT_FALSE(dzns.has("b"));
}

TEST(NameRules, AnEntryThatCouldNotBeRemovedIsRemovedLater) {
    Dzns dzns;
    Process a("a", Stage::voting);
    a.self.members = {"a", "b"};
    dzns.put("b", "b:1");
    a.look(dzns);
    a.self.members = {"a"};
    EXPECT_FALSE(a.rules.plan(dzns.now, dzns.view, a.self).changes.empty());  // and never made
    a.look(dzns);
    EXPECT_FALSE(dzns.has("b"));
}

TEST(NameRules, AnEntryOfNobodyGoesAfterAWhile) {
    Dzns dzns;
    Process a("a", Stage::voting);
    a.look(dzns);
    dzns.put("x", "x:1");
    a.look(dzns);
    dzns.now = dzns.now + milliseconds(4999);
    a.look(dzns);
    EXPECT_TRUE(dzns.has("x"));
    dzns.put("x", "x:1");  // it has come to life
    dzns.now = dzns.now + milliseconds(1);
    a.look(dzns);
    EXPECT_TRUE(dzns.has("x"));
    dzns.now = dzns.now + seconds(5);
    a.look(dzns);
    EXPECT_FALSE(dzns.has("x"));
}

TEST(NameRules, WhoStopsTakesItsEntryAndTheLastOneTheName) {
    Dzns dzns;
    Process a("a", Stage::voting);
    a.look(dzns);
    NameView const before = dzns.view;
    dzns.make(NameRules::farewell(dzns.view, a.self));
    EXPECT_FALSE(dzns.has("a"));
    EXPECT_EQ(dzns.view.boot.value, "a");
    dzns.view = before;
    a.self.alone = true;
    dzns.make(NameRules::farewell(dzns.view, a.self));
    EXPECT_FALSE(dzns.has("a"));
    EXPECT_EQ(dzns.view.boot.rev, 0);
}

TEST(NameRules, WhoStopsBeforeItFoundedLeavesTheNameToOthers) {
    Dzns dzns;
    Process a("a");
    a.look(dzns);
    dzns.make(NameRules::farewell(dzns.view, a.self));
    EXPECT_FALSE(dzns.has("a"));
    EXPECT_EQ(dzns.view.boot.rev, 0);
    dzns.view.boot = {"other", 7};
    EXPECT_TRUE(NameRules::farewell(dzns.view, a.self).empty());
}

}  // namespace
}  // namespace doozer::server
