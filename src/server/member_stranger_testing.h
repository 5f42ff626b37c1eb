// For tests of member links: the loop they run on, and the other side of a connection that says
// what a test wants.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "server/member_testing.h"

namespace doozer::server {

class MemberLinksTest : public testing::Test {
  protected:
    /// Runs the loop until something is so, for half a minute at most.
    template <typename Condition>
    void run_until(Condition condition) {
        auto const deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
        while (!condition() && std::chrono::steady_clock::now() < deadline) {
            loop.restart();
            loop.run_one_for(std::chrono::milliseconds(20));
        }
        ASSERT_TRUE(condition());
    }
    void run_for(std::chrono::milliseconds span) {
        loop.restart();
        loop.run_for(span);
    }
    void link(MemberEnd& a, MemberEnd& b) {
        a.dial(b);
        run_until([&] { return a.linked(b) && b.linked(a); });
    }

    net::asio::io_context loop{1};
};

/// The other side of a connection, which says what a test wants.
class Stranger {
  public:
    Stranger(net::asio::io_context& loop, MemberEnd const& end) : socket(loop) {
        socket.connect(end.endpoint());
        socket.non_blocking(true);
    }
    void say(std::string_view bytes) { net::asio::write(socket, net::asio::buffer(bytes)); }
    void greet(wire::Greeting const& greeting) {
        std::string bytes(wire::member_magic);
        wire::append_greeting(bytes, greeting);
        say(bytes);
    }
    static wire::Greeting greeting(char letter) {
        wire::Greeting greeting;
        greeting.newest_version = 1;  // without checksums, so that bytes are easy to write
        greeting.cluster_name = "local";
        greeting.id = id_of(letter);
        greeting.address = "127.0.0.1:1";
        greeting.link = 7;
        return greeting;
    }
    /// Reads what there is. False at the end.
    bool listen() {
        std::string chunk(65'536, '\0');
        net::error_code error;
        std::size_t const size = socket.read_some(net::asio::buffer(chunk), error);
        heard.append(chunk, 0, size);
        return !error || error == net::asio::error::would_block;
    }
    /// What a refusal says that was heard.
    [[nodiscard]] std::optional<wire::Refusal> refusal() const {
        if (heard.size() < wire::member_magic.size()) return std::nullopt;
        wire::RecordSplitter records(std::string_view(heard).substr(wire::member_magic.size()),
                                     1 << 20);
        auto const record = records.next().value();
        if (!record || record->type != 2) return std::nullopt;
        return wire::decode_refusal(record->body).value();
    }

    net::tcp::socket socket;
    std::string heard;
};

}  // namespace doozer::server
