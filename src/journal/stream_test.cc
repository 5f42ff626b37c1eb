#include "journal/stream.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>

#include "client/fake_server.h"

namespace doozer::journal {
namespace {

using client::FakeServer;
using client::Peer;
using client::Question;
using client::Reply;

/// A server whose every revision is a change, told as fast as it is asked for.
std::optional<Reply> endless_history(Question const& question) {
    if (question.verb == base::Verb::wait) return client::event(*question.rev, "/a", "value");
    Reply reply;
    reply.rev = 1;
    if (question.verb == base::Verb::status) return client::refused(base::Errc::unknown_verb);
    return reply;
}

TEST(Stream, TellsEveryChangeInOrder) {
    FakeServer server;
    auto connecting = client::connecting(client::uri_of({&server}));
    Peer peer = server.accept();
    peer.serve(endless_history);
    Client client = connecting.get().value();
    Stream stream(client);
    stream.start(Revision(7));
    Revision next(7);
    while (next < Revision(20'000)) {
        for (auto const& arrived : stream.take(std::chrono::seconds(10)).events) {
            ASSERT_EQ(arrived.event.rev, next);
            next = next.next();
        }
    }
}

// A stream that is destroyed while answers arrive must not go on asking a client that is closed.
TEST(Stream, CanBeStoppedAtAnyMoment) {
    FakeServer server;
    for (int stop = 0; stop < 1000; ++stop) {
        auto connecting = client::connecting(client::uri_of({&server}));
        Peer peer = server.accept();
        peer.serve(endless_history);
        Client client = connecting.get().value();
        Stream stream(client);
        stream.start(Revision(1));
        for (int i = 0; i < stop % 7; ++i) (void)stream.take(std::chrono::seconds(10));
        // Meanwhile answers arrive, each of which asks for one more.
        (void)client.rev();
    }
}

}  // namespace
}  // namespace doozer::journal
