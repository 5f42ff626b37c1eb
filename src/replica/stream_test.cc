// One stream against the store, in steps of any size, with changes between all of them.
#include "replica/stream.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "base/prng.h"

namespace doozer::replica {
namespace {

using store::Glob;
using store::Mutation;
using store::Path;
using store::SearchBudget;
using store::Store;

struct File {
    std::int64_t rev;
    std::string value;
    bool operator==(File const&) const = default;
};
using Files = std::map<std::string, File>;

class Watched {
  public:
    Watched(std::uint64_t seed, char const* glob, std::int32_t options)
        : prng_(seed),
          store_({.history_revisions = 100'000}),
          glob_(Glob::parse(glob).value()),
          options_(options) {
        change(200);
        stream_.emplace(Tag(1), glob_, store_.revision().next(), options);
        if (is_following()) files_ = files_at(store_.revision());
        last_ = store_.revision();
    }

    void change(int times) {
        for (int i = 0; i < times; ++i) {
            std::string path;
            do {
                path += '/';
                path += "ab-c."[prng_.below(5)];
            } while (!prng_.one_in(3));
            std::string const value = std::to_string(prng_.below(1000));
            Mutation m = Mutation::nop();
            if (!prng_.one_in(20)) m = Mutation::set(Path::trusted(path), value, clobber);
            if (prng_.one_in(3)) m = Mutation::del(Path::trusted(path), clobber);
            store_.apply(m);
        }
    }

    /// Takes a part as a client would, and checks it.
    void take() {
        SearchBudget budget{1 + prng_.below(40)};
        auto const part = stream_->next_part(store_, budget);
        if (!part) return;
        for (ReplyEvent const& event : part->events) take(event);
        if (!part->complete) return;
        ASSERT_FALSE(complete_) << "twice";
        complete_ = true;
        last_ = *part->complete;
        ASSERT_EQ(*part->complete, store_.revision());
        ASSERT_EQ(files_, files_at(*part->complete));
    }

    void take(ReplyEvent const& event) {
        std::string const path(event.path.view());
        ASSERT_TRUE(glob_.matches(path)) << path;
        auto const had = files_.find(path);
        if ((options_ & watch_before) != 0 && is_following()) {
            ASSERT_EQ(event.before_rev, Revision(had == files_.end() ? 0 : had->second.rev));
            ASSERT_EQ(event.before_value.view(), had == files_.end() ? "" : had->second.value);
        }
        ASSERT_TRUE(had == files_.end() || had->second.rev < event.rev.value())
            << path << " was sent twice at " << event.rev.value();
        if (is_following()) {
            ASSERT_GT(event.rev, last_) << "out of order";
            for (std::int64_t r = last_.value() + 1; r < event.rev.value(); ++r) {
                std::string between;
                auto const missed = store_.event(Revision(r), between);
                ASSERT_FALSE(glob_.matches(missed.path)) << "missed " << missed.path;
            }
            last_ = event.rev;
        }
        if (event.flags == flag_set) {
            files_[path] = {event.rev.value(), std::string(event.value.view())};
        } else {
            files_.erase(path);
        }
    }

    void finish() {
        for (int i = 0; stream_->is_behind(store_.revision()); ++i) {
            ASSERT_LT(i, 10'000) << "a stream that never ends";
            take();
            if (testing::Test::HasFatalFailure()) return;
        }
        EXPECT_EQ(files_, files_at(store_.revision()));
        EXPECT_EQ(stream_->told(), store_.revision());
        EXPECT_EQ(complete_, (options_ & watch_state) != 0);
    }

  private:
    /// From here on the events come as in the history.
    [[nodiscard]] bool is_following() const { return (options_ & watch_state) == 0 || complete_; }

    Files files_at(Revision at) {
        Files files;
        store::FileSearch all(glob_, Path::root(), at);
        SearchBudget budget{1'000'000'000};
        store_.search(all, budget, [&](std::string_view path, store::Version const& v) {
            files[std::string(path)] = {v.rev.value(), std::string(v.value.view())};
            return true;
        });
        return files;
    }

    Prng prng_;
    Store store_;
    Glob glob_;
    std::int32_t options_;
    std::optional<Stream> stream_;
    Files files_;    // as the client knows them
    Revision last_;  // of the events that follow
    bool complete_ = false;
};

TEST(Stream, TellsEveryEventOnceAndAStateThatIsExactHoweverTheTreeChangesMeanwhile) {
    for (std::uint64_t seed = 1; seed <= 120; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        char const* const globs[] = {"/**", "/a/**", "/*/b", "/b**", "/?/?", "/a"};
        Watched watched(seed, globs[seed % 6], static_cast<std::int32_t>(seed / 6 % 4));
        for (int i = 0; i < 150; ++i) {
            watched.change(static_cast<int>(seed % 5));
            watched.take();
            if (testing::Test::HasFatalFailure()) return;
        }
        watched.finish();
        if (testing::Test::HasFailure()) return;
    }
}

TEST(Stream, WhatTheHistoryHasForgottenIsTooLate) {
    Store store({.history_revisions = 10});
    for (int i = 0; i < 5; ++i) store.apply(Mutation::nop());
    Stream stream(Tag(1), Glob::parse("/**").value(), Revision(3), 0);
    EXPECT_FALSE(stream.is_too_late(store));
    for (int i = 0; i < 20; ++i) store.apply(Mutation::nop());
    EXPECT_TRUE(stream.is_too_late(store));
}

TEST(Stream, APartIsBoundedAndTheRestFollows) {
    Store store(store::StoreLimits{});
    std::string const value(stream_part_bytes / 2, 'x');
    for (int i = 0; i < 5; ++i) store.apply(Mutation::set(Path::trusted("/a"), value, clobber));
    Stream stream(Tag(1), Glob::parse("/a").value(), Revision(1), 0);
    std::size_t events = 0;
    while (stream.is_behind(store.revision())) {
        SearchBudget budget;
        auto const part = stream.next_part(store, budget);
        ASSERT_LE(part->events.size(), 2U);
        events += part->events.size();
    }
    EXPECT_EQ(events, 5U);
}

}  // namespace
}  // namespace doozer::replica
