// The thread of the name service against a server that the test plays; what it decides is tested in
// name_rules_test.cc.
#include "server/name_service.h"

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "client/fake_server.h"

namespace doozer::server {
namespace {

using base::Errc;
using base::milliseconds;
using base::Verb;
using client::FakeServer;
using client::Peer;
using client::Question;
using client::Reply;
using Stage = NameSelf::Stage;

constexpr std::chrono::seconds patience(10);

/// What the DzNS holds, for the thread that answers and the one that looks.
class Files {
  public:
    std::optional<Reply> reply(Question const& q) {
        std::lock_guard const lock(mutex_);
        Reply reply;
        switch (q.verb) {
            case Verb::rev:
                reply.rev = rev_;
                return reply;
            case Verb::get:
                reply.rev = files_[*q.path].second;
                reply.value = files_[*q.path].first;
                return reply;
            case Verb::walk:
                return entry(*q.offset);
            case Verb::set:
            case Verb::del:
                return change(q);
            case Verb::status:
                return client::refused(Errc::unknown_verb);  // as an original server
            default:
                return std::nullopt;
        }
    }
    std::string at(std::string const& path) {
        std::lock_guard const lock(mutex_);
        return files_[path].first;
    }
    void put(std::string const& path, std::string const& value) {
        std::lock_guard const lock(mutex_);
        files_[path] = {value, ++rev_};
    }
    void await_removal(std::string const& path) {
        std::unique_lock lock(mutex_);
        EXPECT_TRUE(changed_.wait_for(lock, patience, [&] { return files_[path].second == 0; }));
    }
    void forget() {
        std::lock_guard const lock(mutex_);
        files_.clear();
    }

  private:
    Reply entry(std::int32_t offset) {
        for (auto const& [path, file] : files_) {
            if (!path.starts_with("/ctl/ns/web/") || file.second == 0) continue;
            if (offset-- == 0) return client::event(file.second, path, file.first);
        }
        return client::refused(Errc::range);
    }
    Reply change(Question const& q) {
        auto& file = files_[*q.path];
        if (file.second > *q.rev) return client::refused(Errc::rev_mismatch);
        file = q.verb == Verb::del ? std::pair(std::string(), std::int64_t{0})
                                   : std::pair(*q.value, rev_ + 1);
        Reply reply;
        reply.rev = ++rev_;
        changed_.notify_all();
        return reply;
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    std::map<std::string, std::pair<std::string, std::int64_t>> files_;
    std::int64_t rev_ = 10;
};

/// A loop with a name service on it, and the server that it asks.
struct Lab {
    Lab() {
        self.id = "a";
        self.address = "a:1";
        NameService::Settings settings{"doozer:?ca=" + server.address(), "", "web", {}};
        settings.times.grace = milliseconds(20);
        NameService::Callbacks callbacks;
        callbacks.on_addresses = [this](std::vector<std::string> const& all) { addresses = all; };
        callbacks.on_founder = [this] { ++founder; };
        names.emplace(loop, std::move(settings), std::move(callbacks));
        names->tell(self);
    }
    void answer() {
        peer.emplace(server.accept());
        peer->serve([this](Question const& q) { return files.reply(q); });
    }
    template <typename Condition>
    bool happens(Condition condition) {
        auto const end = std::chrono::steady_clock::now() + patience;
        while (!condition()) {
            if (std::chrono::steady_clock::now() > end) return false;
            loop.restart();
            loop.run_for(std::chrono::milliseconds(5));
        }
        return true;
    }

    FakeServer server;
    Files files;
    net::asio::io_context loop;
    NameSelf self;
    std::vector<std::string> addresses;
    int founder = 0;
    std::optional<Peer> peer;
    std::optional<NameService> names;  // is destroyed first
};

TEST(NameService, RegistersAndFoundsWhereNobodyIs) {
    Lab lab;
    lab.answer();
    EXPECT_TRUE(lab.happens([&] { return lab.founder > 0; }));
    EXPECT_EQ(lab.files.at("/ctl/ns/web/a"), "a:1");
    EXPECT_EQ(lab.files.at("/ctl/boot/web"), "a");
    lab.self.stage = Stage::voting;
    lab.self.alone = true;
    lab.names->tell(lab.self);
    lab.names.reset();
    EXPECT_EQ(lab.files.at("/ctl/ns/web/a"), "");
    EXPECT_EQ(lab.files.at("/ctl/boot/web"), "");
}

TEST(NameService, TellsWhereOthersAreForAsLongAsItLooks) {
    Lab lab;
    lab.files.put("/ctl/ns/web/b", "b:1");
    lab.files.put("/ctl/boot/web", "b");
    lab.answer();
    EXPECT_TRUE(lab.happens([&] { return lab.addresses == std::vector<std::string>{"b:1"}; }));
    lab.self.stage = Stage::following;
    lab.names->tell(lab.self);
    EXPECT_TRUE(lab.happens([&] { return lab.addresses.empty(); }));
    EXPECT_EQ(lab.founder, 0);
}

TEST(NameService, PutsBackWhatIsLost) {
    Lab lab;
    lab.self.stage = Stage::voting;
    lab.names->tell(lab.self);
    lab.answer();
    EXPECT_TRUE(lab.happens([&] { return lab.files.at("/ctl/boot/web") == "a"; }));
    lab.peer->stop();
    lab.files.forget();
    lab.answer();
    EXPECT_TRUE(lab.happens([&] { return lab.files.at("/ctl/boot/web") == "a"; }));
    EXPECT_TRUE(lab.happens([&] { return lab.files.at("/ctl/ns/web/a") == "a:1"; }));
}

TEST(NameService, EndsWhenNobodyAnswers) {
    Lab lab;
    lab.server.refuse();
    lab.names.reset();
    lab.loop.restart();
    lab.loop.run_for(std::chrono::milliseconds(5));
    EXPECT_EQ(lab.founder, 0);
}

TEST(NameService, WhatIsOnItsWayWhenItEndsIsNotTold) {
    Lab lab;
    lab.files.put("/ctl/ns/web/b", "b:1");
    lab.files.put("/ctl/ns/web/old", "a:1");
    lab.answer();
    lab.files.await_removal("/ctl/ns/web/old");  // by then it has posted what it found
    lab.names.reset();
    lab.loop.run_for(std::chrono::milliseconds(5));
    EXPECT_TRUE(lab.addresses.empty());
}

}  // namespace
}  // namespace doozer::server
