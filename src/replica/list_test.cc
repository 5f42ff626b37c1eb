// LIST: protocol.md, Verbs.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "replica/replica.h"

namespace doozer::replica {
namespace {

constexpr SessionId alice{1};

Options options() {
    Options o;
    o.identity = {"ABCDEFGHIJKLMNOP", "local", "127.0.0.1:8046", "host", "1.1"};
    o.pulse = seconds(3600);
    o.store.history_revisions = 200'000;
    return o;
}

class ListTest : public testing::Test {
  protected:
    ListTest() : replica(options()) {
        step(Started{});
        step(SessionOpened{alice});
    }

    void step(Input const& input) { replica.step(now, input, effects); }
    void end_turn() { step(TurnEnded{}); }

    void send(Request const& request) { step(ClientRequest{alice, request}); }

    std::vector<Reply> replies() { return std::exchange(effects.replies, {}); }

    Reply only_reply() {
        auto const all = replies();
        EXPECT_EQ(all.size(), 1U);
        return all.empty() ? Reply{} : all[0];
    }

    std::int64_t set(std::string const& path, std::string_view value) {
        Request r;
        r.verb = Verb::set;
        r.path = path;
        r.value = value;
        r.rev = clobber;
        send(r);
        end_turn();
        return only_reply().rev.value().value();
    }
    void del(std::string const& path) {
        Request r;
        r.verb = Verb::del;
        r.path = path;
        r.rev = clobber;
        send(r);
        end_turn();
        only_reply();
    }

    static Request list_request(std::string_view path, std::string_view after = {},
                                std::optional<std::int32_t> limit = {}) {
        Request r;
        r.verb = Verb::list;
        r.path = path;
        if (!after.empty()) r.after = after;
        r.limit = limit;
        return r;
    }

    /// Turns end until there is an answer.
    Reply list(Request const& r) {
        send(r);
        for (int turn = 0; effects.replies.empty() && turn < 100; ++turn) end_turn();
        return only_reply();
    }

    static std::vector<std::string> paths(Reply const& reply) {
        std::vector<std::string> out;
        for (ReplyEvent const& event : reply.events->events) out.emplace_back(event.path.view());
        return out;
    }
    using Paths = std::vector<std::string>;

    Instant now{1};
    Effects effects;
    Replica replica;
};

TEST_F(ListTest, TellsTheFilesOfOneRevisionInDepthFirstOrder) {
    std::int64_t const b = set("/d/b", "B");
    set("/d/a.x", "");
    set("/d/a/x", "X");
    std::int64_t const last = set("/e", "");
    Reply const all = list(list_request("/d/**"));
    EXPECT_EQ(paths(all), (Paths{"/d/a/x", "/d/a.x", "/d/b"}));
    EXPECT_EQ(all.rev, Revision(last));
    EXPECT_FALSE(all.events->more);
    ReplyEvent const& event = all.events->events.back();
    EXPECT_EQ(event.value.view(), "B");
    EXPECT_EQ(event.rev, Revision(b));
    EXPECT_EQ(event.flags, flag_set);
}

TEST_F(ListTest, ADirectoryStandsForWhatIsBelowIt) {
    set("/d/b", "");
    set("/d/a/x", "");
    std::int64_t const then = set("/f", "");
    EXPECT_EQ(paths(list(list_request("/d"))), (Paths{"/d/a/x", "/d/b"}));
    EXPECT_EQ(paths(list(list_request("/f"))), (Paths{"/f"}));
    EXPECT_EQ(paths(list(list_request("/nope"))), Paths{});
    EXPECT_EQ(paths(list(list_request("/", "/ctl/zzz"))), (Paths{"/d/a/x", "/d/b", "/f"}));
    del("/d/b");
    del("/d/a/x");
    set("/d", "a file now");
    EXPECT_EQ(paths(list(list_request("/d"))), (Paths{"/d"}));
    Request old = list_request("/d");
    old.rev = Revision(then);
    EXPECT_EQ(paths(list(old)), (Paths{"/d/a/x", "/d/b"}));
}

TEST_F(ListTest, ADirectoryWhosePathIsAsLongAsPathsCanBe) {
    for (std::size_t const size : {path_bytes_max - 4, path_bytes_max - 3, path_bytes_max - 2}) {
        std::string const directory = "/" + std::string(size - 1, 'd');
        std::string const file = directory + "/f";
        set(file, "");
        EXPECT_EQ(paths(list(list_request(directory))), (Paths{file}));
    }
}

TEST_F(ListTest, PagesFollowEachOther) {
    for (char const* name : {"a", "b", "c", "d", "e"}) set(std::string("/d/") + name, "");
    Reply page = list(list_request("/d", "", 2));
    EXPECT_EQ(paths(page), (Paths{"/d/a", "/d/b"}));
    EXPECT_TRUE(page.events->more);
    page = list(list_request("/d", "/d/b", 3));
    EXPECT_EQ(paths(page), (Paths{"/d/c", "/d/d", "/d/e"}));
    EXPECT_FALSE(page.events->more) << "it is known that nothing follows";
    EXPECT_EQ(paths(list(list_request("/d", "/d/dd"))), (Paths{"/d/e"})) << "need not be there";
    EXPECT_EQ(paths(list(list_request("/d", "/e"))), Paths{});
}

TEST_F(ListTest, APageHasAsManyBytesAsFitAndAtLeastOneFile) {
    std::string const large(list_page_bytes, 'x');
    std::string const small(list_page_bytes / 4, 'x');
    for (char const* name : {"a", "b", "c", "d", "e"}) set(std::string("/d/") + name, small);
    set("/d/f", large);
    EXPECT_EQ(paths(list(list_request("/d"))), (Paths{"/d/a", "/d/b", "/d/c"}));
    EXPECT_EQ(paths(list(list_request("/d", "/d/c"))), (Paths{"/d/d", "/d/e"}));
    Reply const last = list(list_request("/d", "/d/e"));
    EXPECT_EQ(paths(last), (Paths{"/d/f"}));
    EXPECT_FALSE(last.events->more);
}

TEST_F(ListTest, IsRefusedLikeEveryRead) {
    auto const code = [](Reply const& reply) { return reply.error.value().code; };
    Request without = list_request("/");
    without.path.reset();
    EXPECT_EQ(code(list(without)), Errc::missing_arg);
    EXPECT_EQ(list(list_request("/[")).error->detail, "invalid glob pattern: /[");
    EXPECT_EQ(code(list(list_request("/d", "d"))), Errc::bad_path);
    EXPECT_EQ(code(list(list_request("/d", "/a/"))), Errc::bad_path);
    EXPECT_EQ(code(list(list_request("/d", "", 0))), Errc::range);
    EXPECT_EQ(code(list(list_request("/d", "", -1))), Errc::range);

    step(AccessChanged{Access{"read-write", "read-only"}});
    constexpr SessionId stranger{2};
    step(SessionOpened{stranger});
    step(ClientRequest{stranger, list_request("/d")});
    EXPECT_EQ(only_reply().error->detail, "permission denied");
}

TEST_F(ListTest, WaitsForARevisionToCome) {
    std::int64_t const rev = set("/d/a", "");
    Request r = list_request("/d");
    r.rev = Revision(rev + 1);
    send(r);
    end_turn();
    EXPECT_TRUE(effects.replies.empty());
    Request write;
    write.verb = Verb::set;
    write.path = "/d/b";
    write.rev = clobber;
    send(write);
    end_turn();
    auto const all = replies();
    ASSERT_EQ(all.size(), 2U);
    EXPECT_EQ(paths(all[1]), (Paths{"/d/a", "/d/b"}));
    EXPECT_EQ(all[1].rev, Revision(rev + 1));
}

TEST_F(ListTest, ALongSearchTakesSeveralTurnsAndStaysAtItsRevision) {
    for (int i = 0; i < 30'000; ++i) set("/d/" + std::to_string(i) + "/no", "");
    std::int64_t const rev = set("/d/z/yes", "");
    Request const r = list_request("/d/**s");
    send(r);
    end_turn();
    EXPECT_TRUE(effects.replies.empty());
    EXPECT_TRUE(effects.more_to_do);
    EXPECT_TRUE(replica.is_searching(alice));
    EXPECT_GT(replica.kept_bytes(alice), 0U);
    Request write;
    write.verb = Verb::set;
    write.path = "/d/zz/yes";
    write.rev = clobber;
    send(write);
    std::vector<Reply> all;
    for (int turn = 0; all.size() < 2 && turn < 100; ++turn) {
        end_turn();
        for (Reply& reply : replies()) all.push_back(reply);
    }
    ASSERT_EQ(all.size(), 2U);
    EXPECT_EQ(paths(all[1]), (Paths{"/d/z/yes"}));
    EXPECT_EQ(all[1].rev, Revision(rev));
    EXPECT_EQ(replica.kept_bytes(alice), 0U);
}

TEST_F(ListTest, WhatIsKeptOfAPageIsCounted) {
    std::string const value(20'000, 'x');
    set("/d/a", value);
    for (int i = 0; i < 20'000; ++i) set("/d/b/" + std::to_string(i), "");
    send(list_request("/d/**a"));
    end_turn();
    EXPECT_TRUE(effects.replies.empty());
    EXPECT_GE(replica.kept_bytes(alice), value.size());
    EXPECT_EQ(replica.kept_bytes(), replica.kept_bytes(alice));
    step(SessionClosed{alice});
    EXPECT_EQ(replica.kept_bytes(), 0U);
}

}  // namespace
}  // namespace doozer::replica
