#include "net/output_queue.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/prng.h"

namespace doozer::net {
namespace {

std::vector<std::string_view> pieces(OutputQueue const& queue, std::size_t most) {
    std::vector<std::string_view> out(most);
    out.resize(queue.front(out));
    return out;
}

std::string all(OutputQueue const& queue) {
    std::string out;
    for (auto const piece : pieces(queue, 10'000)) out += piece;
    return out;
}

TEST(OutputQueue, SendsTextAndSharedBytesInOrder) {
    OutputQueue queue;
    base::Bytes const value("value");
    queue.append([](std::string& out) { out += "head"; });
    queue.append(value);
    queue.append([](std::string& out) { out += "tail"; });
    EXPECT_EQ(all(queue), "headvaluetail");
    EXPECT_EQ(pieces(queue, 64).at(1).data(), value.view().data());
    EXPECT_EQ(pieces(queue, 2).size(), 2U);
    queue.consume(6);
    EXPECT_EQ(all(queue), "luetail");
    EXPECT_EQ(queue.size(), 7U);
}

TEST(OutputQueue, GivesBackWhatIsSentEvenIfItIsNeverEmpty) {
    OutputQueue queue;
    std::string const piece(1000, 'x');
    for (int i = 0; i < 100'000; ++i) {
        queue.append([&](std::string& out) { out += piece; });
        if (i > 0) queue.consume(piece.size());
        ASSERT_LE(queue.charge(), 200'000U);
    }
    queue.consume(queue.size());
    EXPECT_EQ(queue.charge(), 0U);
}

TEST(OutputQueue, SharedBytesAreChargedByTheirShare) {
    base::Bytes const value(std::string(100'000, 'v'));
    std::vector<OutputQueue> queues(50);
    std::size_t charge = 0;
    for (OutputQueue& queue : queues) {
        queue.append(value);
        charge += queue.charge();
    }
    EXPECT_LT(queues.back().charge(), 5'000U);
    EXPECT_EQ(queues.back().size(), value.size());
    EXPECT_LT(charge, 5 * value.size());
}

TEST(OutputQueue, AgreesWithOneLongString) {
    base::Prng prng(2);
    OutputQueue queue;
    std::string twin;
    for (int i = 0; i < 5'000; ++i) {
        std::string const piece(prng.below(50) + 1, static_cast<char>('a' + prng.below(26)));
        if (prng.one_in(2)) {
            queue.append(base::Bytes(piece));
            twin += piece;
        } else if (prng.one_in(2)) {
            queue.append([&](std::string& out) { out += piece; });
            twin += piece;
        } else {
            std::size_t const sent = prng.below(queue.size() + 1);
            queue.consume(sent);
            twin.erase(0, sent);
        }
        ASSERT_EQ(queue.size(), twin.size());
        ASSERT_EQ(queue.empty(), twin.empty());
        if (prng.one_in(50)) queue.consume(queue.size()), twin.clear();
        ASSERT_EQ(all(queue), twin);
    }
}

}  // namespace
}  // namespace doozer::net
