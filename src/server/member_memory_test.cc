// MemberLinks: what bytes that were changed, or that never end, cost.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/member_stranger_testing.h"
#include "server/member_testing.h"

namespace doozer::server {
namespace {

using testing::ElementsAre;

class MemberMemoryTest : public MemberLinksTest {};

TEST_F(MemberMemoryTest, AMessageThatDoesNotEndCostsItsOwnLinkOnly) {
    MemberLinks::Settings settings;
    settings.bounds.unfinished_max = 4 * base::MiB;
    MemberEnd a(loop, 'A', settings);
    Stranger honest(loop, a);
    honest.greet(Stranger::greeting('H'));
    Stranger endless(loop, a);
    wire::Greeting greeting = Stranger::greeting('X');
    greeting.link = 9;
    endless.greet(greeting);
    run_until([&] { return a.story.size() == 4; });
    honest.say(std::string("\x04\x00\x00\x02to", 6));
    endless.socket.non_blocking(true);
    std::string part;
    wire::append_record_header(part, wire::RecordType::part, 200'000);
    part.resize(part.size() + 200'000);
    std::size_t most = 0;
    std::size_t at = 0;
    run_until([&] {
        net::error_code full;
        at += endless.socket.write_some(net::asio::buffer(part) + at, full);
        at %= part.size();
        most = std::max(most, a.links.buffered_bytes());
        return !a.downs.empty();
    });
    EXPECT_LT(most, 6 * base::MiB);
    EXPECT_TRUE(a.story.ends_with("-X")) << a.story;
    honest.say(std::string("\x03\x00\x00\x06gether", 10));
    run_until([&] { return !a.messages[id_of('H')].empty(); });
    EXPECT_THAT(a.messages[id_of('H')], ElementsAre("together"));
}

std::string checked_record(wire::RecordType type, std::string_view body) {
    std::string record;
    wire::append_record_header(record, type, body.size() + wire::record_checksum_bytes);
    record += body;
    wire::append_record_checksum(record, type, body);
    return record;
}

TEST_F(MemberMemoryTest, AByteThatWasChangedLosesTheLink) {
    MemberEnd a(loop, 'A');
    wire::Greeting greeting = Stranger::greeting('X');
    greeting.newest_version = wire::checksum_version;
    std::string const said = checked_record(wire::RecordType::part, "to") +
                             checked_record(wire::RecordType::message, "gether");
    Stranger intact(loop, a);
    intact.greet(greeting);
    intact.say(said);
    run_until([&] { return !a.messages[id_of('X')].empty(); });
    EXPECT_THAT(a.messages[id_of('X')], ElementsAre("together"));
    for (std::size_t i : {0U, 4U, 7U, 12U, 15U, 21U}) {
        std::string changed = said;
        changed[i] = static_cast<char>(changed[i] ^ 2);
        a.downs.clear();
        Stranger stranger(loop, a);
        stranger.greet(greeting);
        stranger.say(changed + std::string(1000, '\0'));
        run_until([&] { return !stranger.listen(); });
    }
    EXPECT_THAT(a.messages[id_of('X')], ElementsAre("together"));
}

}  // namespace
}  // namespace doozer::server
