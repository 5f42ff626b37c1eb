// A link has two connections, and they do not order with each other: whatever kind of message takes
// the other one, early or late, nobody may be shut out for it, and the cluster goes on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>

#include "consensus/core.h"
#include "consensus/testing.h"

namespace doozer::consensus {
namespace {

using ::testing::Contains;
using ::testing::IsEmpty;
using ::testing::Not;

Tuning tuning() {
    Tuning t;
    t.park_ahead = 1000;
    t.choose_owners = false;
    return t;
}

/// Messages of one kind take the second connection of every link. Each connection keeps its order
/// and has a delay of its own.
class TwoConnections {
  public:
    TwoConnections(Bench& bench, std::size_t kind, Duration first, Duration second)
        : bench_(bench), kind_(kind), delays_{first, second} {}

    void pass(Duration d) {
        Instant const until = bench_.now + d;
        while (bench_.now < until) {
            bench_.now = bench_.now + milliseconds(2);
            for (auto const& [c, m] : bench_.members) {
                bench_.step(c, Tick{});
                bench_.turn(c);
            }
            carry();
        }
    }
    /// What was on its way is lost.
    void lose(char a, char b) {
        for (auto& [key, queue] : queues_) {
            auto const [from, to, second] = key;
            if ((from == a && to == b) || (from == b && to == a)) queue.clear();
        }
    }

  private:
    struct OnItsWay {
        Instant due;
        Message message;
    };

    void carry() {
        for (auto& [pair, queue] : bench_.wire) {
            for (Message& m : std::exchange(queue, {})) {
                bool const second = m.index() == kind_;
                Instant const due = bench_.now + delays_[second ? 1 : 0];
                queues_[{pair.first, pair.second, second}].push_back({due, std::move(m)});
            }
        }
        for (auto& [key, queue] : queues_) {
            auto const [from, to, second] = key;
            while (!queue.empty() && queue.front().due <= bench_.now) {
                Message const m = std::move(queue.front().message);
                queue.pop_front();
                if (bench_.up[{from, to}]) bench_.receive(from, to, m);
            }
            bench_.turn(to);
        }
    }

    Bench& bench_;
    std::size_t kind_;
    Duration delays_[2];
    std::map<std::tuple<char, char, bool>, std::deque<OnItsWay>> queues_;
};

struct Case {
    std::size_t kind;
    bool early;  // else late
};

class EveryKind : public ::testing::TestWithParam<Case> {};

/// Epochs that end by stop signs and by seals, a voter that misses one, a follower that takes a
/// copy, a link that is made anew.
TEST_P(EveryKind, MayTakeTheOtherConnection) {
    Tuning t = tuning();
    t.log_bytes = 100;  // so that copies are given, too
    Bench b{"abcd", "ab", t};
    Duration const slow = milliseconds(30);
    TwoConnections net{b, GetParam().kind, GetParam().early ? slow : Duration(0),
                       GetParam().early ? Duration(0) : slow};
    auto const write_on = [&](std::string const& members) {
        for (int round = 0; round < 6; ++round) {
            for (char const c : members) b.submit(c, std::string(20, c));
            net.pass(milliseconds(20));
        }
    };
    write_on("abcd");
    b.submit('a', "voters:a,b,c");
    write_on("abc");
    b.follow('f', t);
    for (char const c : {'a', 'b', 'c'}) b.link(c, 'f');
    write_on("abc");
    b.submit('b', "voters:a,b,c,f");
    write_on("abcf");
    net.lose('a', 'c');
    b.unlink('a', 'c');
    write_on("abf");
    b.link('a', 'c');
    net.lose('d', 'b');
    b.kill('b');  // its lane is sealed
    write_on("acf");
    b.submit('a', "voters:a,c,f");
    write_on("acf");
    net.pass(seconds(3));
    b.submit('c', "last");
    net.pass(seconds(2));

    EXPECT_THAT(b.violations, IsEmpty());
    for (char const c : {'a', 'c', 'f'}) {
        EXPECT_THAT(b.members.at(c).ignored, Not(Contains(Ignored::resurrected))) << c;
        EXPECT_THAT(b.lines(c), Contains("last")) << c;
    }
}

std::vector<Case> all_cases() {
    std::vector<Case> cases;
    for (std::size_t kind = 0; kind < std::variant_size_v<Message>; ++kind) {
        cases.push_back({kind, true});
        cases.push_back({kind, false});
    }
    return cases;
}

std::string case_name(::testing::TestParamInfo<Case> const& info_of) {
    return std::string(name_of_kind(info_of.param.kind)) + (info_of.param.early ? "Early" : "Late");
}

INSTANTIATE_TEST_SUITE_P(TwoConnections, EveryKind, ::testing::ValuesIn(all_cases()), case_name);

/// DECIDED of the new epoch is here before the HELLO that was sent earlier.
TEST(TwoConnectionsTest, AnAnswerThatOvertakesTheHelloOfItsEpochShutsNobodyOut) {
    Bench b{"abcd", "ab", tuning()};
    for (char const c : {'a', 'b', 'd'}) b.hold(c, 'c');
    b.submit('a', "x1");
    b.settle();
    b.submit('a', "voters:a,b,c");
    b.settle();
    ASSERT_EQ(b.core('a').epoch(), Epoch(2));
    b.submit('a', "y");
    b.pass(milliseconds(5));
    b.hold('c', 'a', false);
    std::vector<Message> const earlier = std::exchange(b.wire[{'a', 'c'}], {});
    b.receive('c', 'a', Fetch{b.core('c').vector(), b.core('c').delivered(), 0, 0});
    for (Message const& m : std::exchange(b.wire[{'a', 'c'}], {})) b.receive('a', 'c', m);
    for (Message const& m : earlier) b.receive('a', 'c', m);
    EXPECT_FALSE(b.core('c').peers().at(Bench::id('a')).resurrected);
    b.hold('a', 'c', false);
    b.hold('b', 'c', false);
    b.kill('b');
    b.submit('a', "z");
    b.pass(seconds(5));
    EXPECT_THAT(b.lines('a'), Contains("z"));
    EXPECT_THAT(b.lines('c'), Contains("z"));
}

}  // namespace
}  // namespace doozer::consensus
