#include "consensus/shared_queue.h"

#include <gtest/gtest.h>

#include <deque>

#include "base/prng.h"

namespace doozer::consensus {
namespace {

template <typename T>
void expect_same(SharedQueue<T> const& queue, std::deque<T> const& twin) {
    ASSERT_EQ(queue.size(), twin.size());
    ASSERT_EQ(queue.empty(), twin.empty());
    std::size_t i = 0;
    for (T const& value : queue) ASSERT_EQ(value, twin[i++]);
    ASSERT_EQ(i, twin.size());
}

TEST(SharedQueue, IsAQueueAndItsCopiesStayAsTheyAre) {
    constexpr std::uint64_t seed = 4711;
    base::Prng prng(seed);
    SharedQueue<int> queue;
    std::deque<int> twin;
    std::deque<std::pair<SharedQueue<int>, std::deque<int>>> copies;
    for (int n = 0; n < 20'000; ++n) {
        bool const grows = prng.below(1000) < (n / 2000 % 2 == 0 ? 700U : 300U);
        if (grows || twin.empty()) {
            queue.push_back(n);
            twin.push_back(n);
        } else {
            queue.pop_front();
            twin.pop_front();
        }
        if (!twin.empty()) {
            ASSERT_EQ(queue.front(), twin.front());
        }
        if (prng.one_in(500)) copies.emplace_back(queue, twin);
        if (prng.one_in(500) && !copies.empty()) {  // go on with the copy instead
            std::swap(copies.front().first, queue);
            std::swap(copies.front().second, twin);
        }
        if (copies.size() > 5) copies.pop_front();
        if (n % 97 != 0) continue;
        expect_same(queue, twin);
        for (auto const& [copy, as_it_was] : copies) expect_same(copy, as_it_was);
    }
}

TEST(SharedQueue, LetsGoOfAValueAsSoonAsNoCopyHasIt) {
    SharedQueue<std::shared_ptr<int>> queue;
    auto const value = std::make_shared<int>(1);
    for (int n = 0; n < 3; ++n) queue.push_back(value);
    queue.pop_front();
    EXPECT_EQ(value.use_count(), 3);
    {
        SharedQueue<std::shared_ptr<int>> const copy = queue;
        queue.pop_front();
        EXPECT_EQ(value.use_count(), 3);
        EXPECT_EQ(copy.size(), 2U);
    }
    queue.pop_front();
    EXPECT_EQ(value.use_count(), 1);
}

TEST(SharedQueue, FindsWhereAConditionEnds) {
    SharedQueue<int> queue;
    for (int n = 0; n < 1000; ++n) queue.push_back(2 * n);
    for (int n = 0; n < 700; ++n) queue.pop_front();
    EXPECT_EQ(queue.partition_point([](int v) { return v < 1401; }), 1U);
    EXPECT_EQ(queue.partition_point([](int v) { return v < 0; }), 0U);
    EXPECT_EQ(queue.partition_point([](int) { return true; }), 300U);
}

}  // namespace
}  // namespace doozer::consensus
