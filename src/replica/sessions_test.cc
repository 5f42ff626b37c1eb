#include "replica/sessions.h"

#include <gtest/gtest.h>

#include <set>

#include "base/prng.h"

namespace doozer::replica {
namespace {

TEST(TagSet, AgreesWithAnOrderedSet) {
    Prng prng(5);
    TagSet tags(42);
    std::set<std::int32_t> twin;
    for (int i = 0; i < 100'000; ++i) {
        // Few enough to be met again, in clusters and at both ends of the range.
        auto const n =
            static_cast<std::int32_t>(prng.below(300)) + (prng.one_in(2) ? -150 : INT32_MAX - 300);
        ASSERT_EQ(tags.contains(Tag(n)), twin.contains(n));
        if (twin.erase(n) > 0) {
            tags.erase(Tag(n));
        } else {
            tags.insert(Tag(n));
            twin.insert(n);
        }
        ASSERT_EQ(tags.size(), twin.size());
    }
    for (std::int32_t const n : twin) EXPECT_TRUE(tags.contains(Tag(n)));
}

TEST(Sessions, AreKnownWhileTheyAreOpen) {
    Sessions sessions(Grants{true, false}, 42);
    EXPECT_EQ(sessions.find(SessionId(1)), nullptr);
    sessions.open(SessionId(1));
    EXPECT_TRUE(sessions.find(SessionId(1))->grants.read);
    sessions.close(SessionId(1));
    EXPECT_EQ(sessions.find(SessionId(1)), nullptr);
}

}  // namespace
}  // namespace doozer::replica
