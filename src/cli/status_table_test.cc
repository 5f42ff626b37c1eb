#include "cli/status_table.h"

#include <gtest/gtest.h>

#include <sstream>

namespace doozer::cli {
namespace {

std::string member(std::string const& id, std::string const& slot, std::string const& more) {
    return R"({"id":")" + id + R"(","address":"192.168.100.100:8046","slot":")" + slot + "\"," +
           more + "}";
}

std::string document(std::string const& quorum) {
    std::string const me = member("AAAAAAAAAAAAAAAA", "1",
                                  R"("self":true,"owner":true,"up":true,"silent_ms":0,
        "applied":1099511627776,"lag":0,"rtt_us":null)");
    std::string const other = member("BBBBBBBBBBBBBBBB", "0",
                                     R"("self":false,"owner":false,"up":true,"silent_ms":20,
        "applied":1099511615000,"lag":12776,"rtt_us":12345)");
    std::string const gone = member("CCCCCCCCCCCCCCCC", "2",
                                    R"("self":false,"owner":true,"up":false,"silent_ms":12345,
        "applied":null,"lag":null,"rtt_us":null)");
    return R"({"cluster":"local","lineage":"0123456789abcdeffedcba9876543210","id":"AAAAAAAAAAAAAAAA",
        "address":"192.168.100.100:8046","role":"member","revision":1099511627776,"epoch":7,"quorum":)" +
           quorum + R"(,"voters":3,"majority":2,"members":[)" + me + "," + other + "," + gone +
           R"(],"followers":[{"id":"DDDDDDDDDDDDDDDD","address":"evil\u001b[2J","self":false,
        "applied":1099511627776,"lag":0}],"free_slots":["3","x"]})";
}

TEST(StatusTable, FitsATerminalOfEightyColumns) {
    auto const table = status_table(document("true"));
    ASSERT_TRUE(table);
    EXPECT_EQ(*table,
              R"(cluster local, lineage 0123456789abcdeffedcba9876543210
revision 1099511627776, epoch 7, this is a member
quorum: yes, of 3 members

 SLOT  ID                ADDRESS               STATE          APPLIED LAG  RTT
 0     BBBBBBBBBBBBBBBB  192.168.100.100:8046  member   1099511615000 12k 12ms
*1     AAAAAAAAAAAAAAAA  192.168.100.100:8046  owner    1099511627776   0    -
 2     CCCCCCCCCCCCCCCC  192.168.100.100:8046  away 12s             -   -    -
       DDDDDDDDDDDDDDDD  evil?[2J              follower 1099511627776   0    -
free slots: 3 x
)");
    std::istringstream lines(*table);
    for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 80U) << line;
}

TEST(StatusTable, SaysWhatItMeansThatThereIsNoQuorum) {
    auto const table = status_table(document("false"));
    ASSERT_TRUE(table);
    EXPECT_NE(table->find("quorum: NO, 2 of 3 members are needed: nothing can be changed\n"),
              std::string::npos);
}

TEST(StatusTable, OfSomethingElseThereIsNone) {
    for (char const* const other : {"", "{}", "[]", "{\"members\":3}", "x"}) {
        EXPECT_FALSE(status_table(other));
        EXPECT_FALSE(process_in(other));
    }
}

TEST(StatusTable, TellsWhichProcessItIs) {
    auto const process = process_in(document("true"));
    ASSERT_TRUE(process);
    EXPECT_EQ(process->cluster, "local");
    EXPECT_EQ(process->id, "AAAAAAAAAAAAAAAA");
    EXPECT_EQ(process->address, "192.168.100.100:8046");
}

}  // namespace
}  // namespace doozer::cli
