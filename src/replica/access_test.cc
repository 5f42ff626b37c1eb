#include "replica/access.h"

#include <gtest/gtest.h>

namespace doozer::replica {
namespace {

// protocol.md, Access: everybody starts as if they had presented an empty secret.
TEST(Access, WithoutSecretsEverybodyMayDoEverything) {
    Grants const grants = Access("", "").initial();
    EXPECT_TRUE(grants.read);
    EXPECT_TRUE(grants.write);
}

TEST(Access, WithOnlyAReadWriteSecretEverybodyMayRead) {
    Grants const grants = Access("rw", "").initial();
    EXPECT_TRUE(grants.read);
    EXPECT_FALSE(grants.write);
}

TEST(Access, WithOnlyAReadOnlySecretEverybodyMayWrite) {
    EXPECT_TRUE(Access("", "ro").initial().write);
}

TEST(Access, WithBothSecretsNobodyMayDoAnything) {
    Access const access("rw", "ro");
    Grants grants = access.initial();
    EXPECT_FALSE(grants.read);
    EXPECT_FALSE(access.present("r", grants));
    EXPECT_FALSE(access.present("rww", grants));
    EXPECT_FALSE(access.present("rwrw", grants));
    EXPECT_FALSE(access.present("", grants));
    EXPECT_FALSE(grants.read || grants.write);
}

TEST(Access, TheReadWriteSecretGrantsBothAndNothingTakesItAway) {
    Access const access("rw", "ro");
    Grants grants = access.initial();
    EXPECT_TRUE(access.present("ro", grants));
    EXPECT_TRUE(grants.read);
    EXPECT_FALSE(grants.write);
    EXPECT_TRUE(access.present("rw", grants));
    EXPECT_TRUE(grants.write);
    EXPECT_FALSE(access.present("bad", grants));
    EXPECT_TRUE(access.present("ro", grants));
    EXPECT_TRUE(grants.write);
}

}  // namespace
}  // namespace doozer::replica
