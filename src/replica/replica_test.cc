#include "replica/replica.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace doozer::replica {
namespace {

constexpr SessionId alice{1};
constexpr SessionId bob{2};

Options options() {
    Options o;
    o.identity = {"ABCDEFGHIJKLMNOP", "local", "127.0.0.1:8046", "host", "1.1"};
    o.pulse = seconds(3600);
    return o;
}

class ReplicaTest : public testing::Test {
  protected:
    explicit ReplicaTest(Options o = options()) : replica(std::move(o)) {
        step(Started{});
        step(SessionOpened{alice});
        step(SessionOpened{bob});
    }

    void step(Input const& input) { replica.step(now, input, effects); }

    /// Sends without ending the turn.
    void send(SessionId session, Request request) { step(ClientRequest{session, request}); }

    /// What has come for the session since it was last asked.
    std::vector<Reply> replies(SessionId session) {
        std::vector<Reply> out;
        std::erase_if(effects.replies, [&](Reply& reply) {
            if (reply.session != session) return false;
            out.push_back(reply);
            return true;
        });
        return out;
    }

    /// One request, one turn, and the one reply.
    Reply call(Verb verb, std::optional<std::string_view> path = {},
               std::optional<std::string_view> value = {}, std::optional<std::int64_t> rev = {},
               std::optional<std::int32_t> offset = {}) {
        Request r = request(verb, path, value, rev, offset);
        r.tag = Tag(1'000'000);
        send(alice, r);
        step(TurnEnded{});
        auto const all = replies(alice);
        EXPECT_EQ(all.size(), 1U);
        EXPECT_EQ(all.at(0).tag, Tag(1'000'000));
        return all.at(0);
    }

    static Request request(Verb verb, std::optional<std::string_view> path = {},
                           std::optional<std::string_view> value = {},
                           std::optional<std::int64_t> rev = {},
                           std::optional<std::int32_t> offset = {}) {
        Request r;
        r.verb = verb;
        r.path = path;
        r.value = value;
        r.offset = offset;
        if (rev) r.rev = Revision(*rev);
        return r;
    }

    Reply set(std::string_view path, std::string_view value, std::int64_t rev = -1) {
        return call(Verb::set, path, value, rev);
    }
    std::string get(std::string_view path) {
        return std::string(call(Verb::get, path).value.value().view());
    }
    std::int64_t revision() { return call(Verb::rev).rev.value().value(); }

    Instant now{1};
    Effects effects;
    Replica replica;
};

Errc code(Reply const& reply) {
    return reply.error.value().code;
}

// data-model.md, What the server writes itself
TEST_F(ReplicaTest, FoundsAClusterOfOneBeforeAnythingElse) {
    EXPECT_EQ(get("/ctl/name"), "local");
    EXPECT_EQ(get("/ctl/cal/0"), "ABCDEFGHIJKLMNOP");
    EXPECT_EQ(get("/ctl/node/ABCDEFGHIJKLMNOP/addr"), "127.0.0.1:8046");
    EXPECT_EQ(get("/ctl/node/ABCDEFGHIJKLMNOP/hostname"), "host");
    EXPECT_EQ(get("/ctl/node/ABCDEFGHIJKLMNOP/version"), "1.1");
    EXPECT_EQ(get("/ctl/node/ABCDEFGHIJKLMNOP/writable"), "true");
    EXPECT_EQ(get("/ctl/node/ABCDEFGHIJKLMNOP/applied"), "0");
    EXPECT_EQ(get("/ctl/ns/local/ABCDEFGHIJKLMNOP"), "127.0.0.1:8046");
    EXPECT_EQ(call(Verb::self).value->view(), "ABCDEFGHIJKLMNOP");
}

TEST_F(ReplicaTest, ASetIsAnsweredWithItsRevisionWhenTheTurnEnds) {
    Request r = request(Verb::set, "/a", "v", 0);
    r.tag = Tag(7);
    send(alice, r);
    EXPECT_TRUE(replies(alice).empty());
    step(TurnEnded{});
    auto const all = replies(alice);
    ASSERT_EQ(all.size(), 1U);
    EXPECT_EQ(all[0].tag, Tag(7));
    EXPECT_EQ(all[0].rev, Revision(revision()));
    EXPECT_FALSE(all[0].error || all[0].value || all[0].path || all[0].flags || all[0].len);
}

TEST_F(ReplicaTest, ARequestRefusedBeforeItEntersTheOrderUsesNoRevision) {
    std::int64_t const before = revision();
    EXPECT_EQ(code(call(Verb::set, "bad", "", 0)), Errc::bad_path);
    EXPECT_EQ(code(call(Verb::set, "bad")), Errc::missing_arg);
    EXPECT_EQ(code(call(Verb::del, "/a")), Errc::missing_arg);
    EXPECT_EQ(code(call(Verb::set, {}, "", 0)), Errc::missing_arg);
    EXPECT_EQ(code(call(Verb{42})), Errc::unknown_verb);
    EXPECT_EQ(code(call(Verb{8})), Errc::unknown_verb);
    EXPECT_EQ(revision(), before);
}

TEST_F(ReplicaTest, ARefusedChangeUsesARevisionAndIsReadInTheErrorFile) {
    std::int64_t const before = revision();
    set("/a", "", 0);
    EXPECT_EQ(code(set("/a", "", 0)), Errc::rev_mismatch);
    EXPECT_EQ(revision(), before + 2);
    EXPECT_EQ(get("/ctl/err"), "rev mismatch");
}

TEST_F(ReplicaTest, AValueOverTheLimitIsRefusedByName) {
    std::string const large(value_bytes_default + 1, 'x');
    Reply const reply = set("/a", large);
    EXPECT_EQ(code(reply), Errc::other);
    EXPECT_NE(reply.error->detail.find("1048576"), std::string::npos);
    EXPECT_FALSE(set("/a", std::string_view(large).substr(1)).error);
}

// protocol.md, Verbs: GET, STAT
TEST_F(ReplicaTest, ReadsOfMissingAndMalformedPaths) {
    for (char const* path : {"/nope", "/nope/x", "a", "//", "/a/", "/a_b", ""}) {
        Reply const got = call(Verb::get, path);
        EXPECT_EQ(got.rev, missing) << path;
        EXPECT_EQ(got.value->view(), "") << path;
        Reply const stat = call(Verb::stat, path);
        EXPECT_EQ(stat.rev, missing) << path;
        EXPECT_EQ(stat.len, 0) << path;
    }
    EXPECT_EQ(code(call(Verb::get)), Errc::missing_arg);
    EXPECT_EQ(call(Verb::stat).len, 0);
    EXPECT_EQ(code(call(Verb::get, "/")), Errc::isdir);
}

TEST_F(ReplicaTest, AReadAboveThePresentWaitsForThatRevision) {
    std::int64_t const at = revision() + 3;
    Request r = request(Verb::get, "/a", {}, at);
    send(alice, r);
    set("/a", "1");  // answered to alice as well
    set("/a", "2");
    Request more = request(Verb::set, "/a", "3", -1);
    send(bob, more);
    more.value = "4";
    send(bob, more);
    step(TurnEnded{});
    auto const all = replies(alice);
    ASSERT_EQ(all.size(), 1U);
    EXPECT_EQ(all[0].rev, Revision(at));
    EXPECT_EQ(all[0].value->view(), "3");
}

TEST_F(ReplicaTest, ListsADirectoryAndAGlob) {
    set("/d/b", "B");
    set("/d/a/x", "X");
    EXPECT_EQ(call(Verb::getdir, "/d", {}, {}, 0).path->view(), "a");
    EXPECT_EQ(call(Verb::getdir, "/d", {}, {}, 1).path->view(), "b");
    EXPECT_EQ(code(call(Verb::getdir, "/d", {}, {}, 2)), Errc::range);
    EXPECT_EQ(code(call(Verb::getdir, "/d", {}, {}, -1)), Errc::range);
    EXPECT_EQ(code(call(Verb::getdir, "/d/b", {}, {}, -1)), Errc::notdir);
    EXPECT_EQ(code(call(Verb::getdir, "/e", {}, {}, -1)), Errc::noent);
    EXPECT_EQ(code(call(Verb::getdir, "/d")), Errc::missing_arg);

    Reply const first = call(Verb::walk, "/d/**", {}, {}, 0);
    EXPECT_EQ(first.path->view(), "/d/a/x");
    EXPECT_EQ(first.flags, flag_set);
    EXPECT_EQ(first.value->view(), "X");
    EXPECT_EQ(call(Verb::walk, "/d/**", {}, {}, 1).path->view(), "/d/b");
    EXPECT_EQ(code(call(Verb::walk, "/d/**", {}, {}, 2)), Errc::range);
    EXPECT_EQ(code(call(Verb::walk, "/d/**", {}, {}, -1)), Errc::range);
    EXPECT_EQ(call(Verb::walk, "/[a]", {}, {}, -1).error->detail, "invalid glob pattern: /[a]");
}

TEST_F(ReplicaTest, AWaitFindsTheFirstEventThatMatches) {
    set("/a", "1");
    std::int64_t const first = revision();
    set("/b", "2");
    Reply const past = call(Verb::wait, "/b", {}, first);
    EXPECT_EQ(past.rev, Revision(first + 1));
    EXPECT_EQ(past.path->view(), "/b");
    EXPECT_EQ(past.value->view(), "2");
    EXPECT_EQ(past.flags, flag_set);

    send(bob, request(Verb::wait, "/a", {}, first + 1));
    step(TurnEnded{});
    EXPECT_TRUE(replies(bob).empty());
    call(Verb::del, "/a", {}, -1);
    auto const all = replies(bob);
    ASSERT_EQ(all.size(), 1U);
    EXPECT_EQ(all[0].flags, flag_del);
    EXPECT_EQ(all[0].rev, Revision(first + 2));
    EXPECT_EQ(all[0].value->view(), "");
}

TEST_F(ReplicaTest, AWaitForAFutureRevisionDoesNotSeeEarlierEvents) {
    std::int64_t const from = revision() + 3;
    send(bob, request(Verb::wait, "/far", {}, from));
    set("/far", "early");
    set("/far", "early");
    EXPECT_TRUE(replies(bob).empty());
    set("/far", "late");
    auto const all = replies(bob);
    ASSERT_EQ(all.size(), 1U);
    EXPECT_EQ(all[0].rev, Revision(from));
    EXPECT_EQ(all[0].value->view(), "late");
}

TEST_F(ReplicaTest, ANopIsSeenOnTheRoot) {
    std::int64_t const before = revision();
    Reply const reply = call(Verb::nop);
    EXPECT_FALSE(reply.error || reply.rev);
    for (char const* glob : {"/", "/*", "/**"}) {
        Reply const event = call(Verb::wait, glob, {}, before + 1);
        EXPECT_EQ(event.flags, 0);
        EXPECT_EQ(event.path->view(), "/");
    }
}

// protocol.md, Malformed input: pydoozer uses a tag again while its WAIT is outstanding
TEST_F(ReplicaTest, RequestsWithTheSameTagAreAllAnsweredWithIt) {
    Request wait = request(Verb::wait, "/a", {}, revision() + 1);
    wait.tag = Tag(5);
    send(bob, wait);
    Request rev = request(Verb::rev);
    rev.tag = Tag(5);
    send(bob, rev);
    auto all = replies(bob);
    ASSERT_EQ(all.size(), 1U);
    EXPECT_FALSE(all[0].error);
    EXPECT_EQ(all[0].tag, Tag(5));

    Request write = request(Verb::set, "/a", "v", -1);
    write.tag = Tag(5);
    send(bob, write);
    send(bob, write);
    step(TurnEnded{});
    all = replies(bob);
    ASSERT_EQ(all.size(), 3U);  // both changes, and the event that the WAIT was for
    for (Reply const& reply : all) {
        EXPECT_FALSE(reply.error);
        EXPECT_EQ(reply.tag, Tag(5));
    }
}

// protocol.md, Verbs: the order of the checks for a write
TEST_F(ReplicaTest, AWriteThatCannotBeTakenIsRefusedBeforeItsArgumentsAreLookedAt) {
    EXPECT_EQ(code(call(Verb::set)), Errc::missing_arg);
    step(Retire{});
    for (Verb const verb : {Verb::set, Verb::del, Verb::nop}) {
        EXPECT_EQ(code(call(verb)), Errc::readonly);
        EXPECT_EQ(code(call(verb, "no path", "", -1)), Errc::readonly);
    }
}

TEST_F(ReplicaTest, AClosedSessionIsForgottenWithAllItsRequests) {
    std::int64_t const next = revision() + 1;
    send(bob, request(Verb::wait, "/a", {}, next));
    send(bob, request(Verb::wait, "/**", {}, next + 100));
    send(bob, request(Verb::get, "/a", {}, next));
    send(bob, request(Verb::set, "/a", "from bob", -1));
    step(SessionClosed{bob});
    set("/a", "from alice");
    EXPECT_TRUE(replies(bob).empty());
    EXPECT_EQ(revision(), next + 1);  // what was proposed is done all the same
}

// A reader with many costly globs must not make changes slow: they are tried in later turns, and
// every waiter hears of the first event that matches its glob all the same.
TEST_F(ReplicaTest, CostlyWaitsAreAnsweredInLaterTurns) {
    std::int64_t const next = revision() + 1;
    std::string const tail = std::string(1000, '?') + "**a*b";
    std::vector<std::string> globs;
    for (int i = 0; i < 2000; ++i) globs.push_back("/**" + std::to_string(10'000 + i) + tail);
    for (std::string const& glob : globs) send(bob, request(Verb::wait, glob, {}, next));
    EXPECT_TRUE(replies(bob).empty());
    std::string const path = "/11234" + std::string(1500, 'x') + "ab";
    set(path, "first");
    set(path, "second");
    std::vector<Reply> all = replies(bob);
    EXPECT_TRUE(effects.more_to_do);
    for (int turns = 0; effects.more_to_do && turns < 10'000; ++turns) {
        step(TurnEnded{});
        for (Reply& reply : replies(bob)) all.push_back(reply);
    }
    ASSERT_EQ(all.size(), 1U);
    EXPECT_EQ(all[0].rev, Revision(next));
    EXPECT_EQ(all[0].path->view(), path);
    EXPECT_EQ(all[0].value->view(), "first");
}

// A history of a few revisions is no reason for an honest waiter to miss one.
TEST_F(ReplicaTest, AFewGlobsOfAnyKindAreAnsweredAtOnce) {
    std::int64_t const next = revision() + 1;
    for (char const* glob : {"/**?a*", "/*/x/**", "/a**b?c", "/a*/?/**z"}) {
        send(bob, request(Verb::wait, glob, {}, next));
    }
    set("/ab/x/z", "v");
    EXPECT_EQ(replies(bob).size(), 2U);
}

TEST_F(ReplicaTest, ALongSearchTakesTurns) {
    for (int i = 0; i < 3; ++i) set("/a", std::to_string(i));
    for (std::size_t i = 0; i < 3 * search_steps_per_turn; ++i) {
        send(bob, request(Verb::nop));
    }
    step(TurnEnded{});
    (void)replies(bob);
    send(bob, request(Verb::wait, "/zz*", {}, 1));
    EXPECT_TRUE(replies(bob).empty());
    int turns = 0;
    do {
        step(TurnEnded{});
        ++turns;
        ASSERT_LT(turns, 100);
    } while (effects.more_to_do);
    EXPECT_GE(turns, 3);
    set("/zzz", "found");
    auto const all = replies(bob);
    ASSERT_EQ(all.size(), 1U);
    EXPECT_EQ(all[0].value->view(), "found");
}

TEST_F(ReplicaTest, ManySearchesAllComeToAnEnd) {
    for (int i = 0; i < 3000; ++i) {
        std::string const path = "/d/" + std::to_string(i);
        send(alice, request(Verb::set, path, "", -1));
    }
    step(TurnEnded{});
    (void)replies(alice);
    std::vector<std::string> globs;
    for (std::size_t i = 0; i < 2 * listings_max; ++i) globs.push_back("/d/*x" + std::to_string(i));
    for (std::string const& glob : globs) send(bob, request(Verb::walk, glob, {}, {}, 0));
    send(alice, request(Verb::walk, "/d/*", {}, {}, 2999));
    int turns = 0;
    int turns_of_alice = 0;
    do {
        step(TurnEnded{});
        ++turns;
        if (turns_of_alice == 0 && !replies(alice).empty()) turns_of_alice = turns;
        ASSERT_LT(turns, 10'000);
    } while (effects.more_to_do);
    EXPECT_EQ(replies(bob).size(), globs.size());
    EXPECT_GT(turns_of_alice, 0);
    EXPECT_LT(turns_of_alice, 5) << "others' searches delayed hers";
}

TEST_F(ReplicaTest, AProcessThatRetiresAnswersItsRequestsAndTakesNoMore) {
    send(alice, request(Verb::set, "/a", "v", -1));
    step(Retire{});
    EXPECT_FALSE(replica.retired(now));
    send(alice, request(Verb::set, "/b", "v", -1));
    step(TurnEnded{});
    auto const all = replies(alice);
    ASSERT_EQ(all.size(), 2U);
    EXPECT_EQ(all[0].error, (Error{Errc::readonly, "being stopped: not applied"}));
    EXPECT_FALSE(all[1].error);
    EXPECT_TRUE(replica.retired(now));
    EXPECT_EQ(call(Verb::get, "/a").value->view(), "v");
}

TEST_F(ReplicaTest, ThePulseNamesTheNewestRevisionApplied) {
    EXPECT_EQ(effects.deadline, now + seconds(3600));
    std::int64_t const before = revision();
    now = now + seconds(3600);
    step(TurnEnded{});
    EXPECT_EQ(get("/ctl/node/ABCDEFGHIJKLMNOP/applied"), std::to_string(before));
    EXPECT_EQ(revision(), before + 1);
    EXPECT_EQ(effects.deadline, now + seconds(3600));
}

class SmallHistoryTest : public ReplicaTest {
  protected:
    SmallHistoryTest()
        : ReplicaTest([] {
              Options o = options();
              o.store.history_revisions = 5;
              return o;
          }()) {}
};

// protocol.md, Revisions
TEST_F(SmallHistoryTest, BelowTheHistoryIsTooLate) {
    for (int i = 0; i < 10; ++i) set("/a", "x");
    for (std::int64_t const rev : {1LL, 0LL, -1LL}) {
        EXPECT_EQ(code(call(Verb::get, "/a", {}, rev)), Errc::too_late);
        EXPECT_EQ(code(call(Verb::get, "bad", {}, rev)), Errc::too_late);
        EXPECT_EQ(code(call(Verb::stat, "/a", {}, rev)), Errc::too_late);
        EXPECT_EQ(code(call(Verb::getdir, "/nope", {}, rev, -1)), Errc::too_late);
        EXPECT_EQ(code(call(Verb::walk, "/**", {}, rev, 0)), Errc::too_late);
        EXPECT_EQ(code(call(Verb::walk, "/**", {}, rev, -1)), Errc::range);
        EXPECT_EQ(code(call(Verb::wait, "/**", {}, rev)), Errc::too_late);
        EXPECT_EQ(code(call(Verb::wait, "/_", {}, rev)), Errc::other);
    }
    EXPECT_FALSE(call(Verb::get, "/a", {}, revision() - 4).error);
    EXPECT_EQ(code(call(Verb::get, "/a", {}, revision() - 5)), Errc::too_late);
}

// A search that has come past what was collected meanwhile goes on.
TEST_F(SmallHistoryTest, AWaitIsNotTooLateForRevisionsThatItHasSearched) {
    send(bob, request(Verb::wait, "/zz", {}, revision() - 3));
    for (int i = 0; i < 20; ++i) set("/a", "x");
    EXPECT_TRUE(replies(bob).empty());
    set("/zz", "y");
    EXPECT_EQ(replies(bob).size(), 1U);
}

class SecretTest : public ReplicaTest {
  protected:
    SecretTest()
        : ReplicaTest([] {
              Options o = options();
              o.access = Access("rw", "ro");
              return o;
          }()) {}
};

// protocol.md, Access
TEST_F(SecretTest, AccessComesBeforeEverythingButUnknownVerbs) {
    for (Verb const verb : {Verb::get, Verb::set, Verb::del, Verb::nop, Verb::wait, Verb::walk,
                            Verb::getdir, Verb::stat}) {
        EXPECT_EQ(call(verb).error->detail, "permission denied");
    }
    EXPECT_EQ(code(call(Verb{42})), Errc::unknown_verb);
    EXPECT_FALSE(call(Verb::rev).error || call(Verb::self).error);
    EXPECT_EQ(call(Verb::access, {}, "bad").error->detail, "permission denied");
    EXPECT_EQ(call(Verb::access).error->detail, "permission denied");
    EXPECT_FALSE(call(Verb::access, {}, "ro").error);
    EXPECT_EQ(code(call(Verb::get)), Errc::missing_arg);
    EXPECT_EQ(call(Verb::set).error->detail, "permission denied");
    EXPECT_FALSE(call(Verb::access, {}, "rw").error);
    EXPECT_FALSE(set("/a", "").error);
}

}  // namespace
}  // namespace doozer::replica
