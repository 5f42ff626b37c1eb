#include "net/connection.h"

#include <gtest/gtest.h>

#include <string>

namespace doozer::net {
namespace {

/// Takes as many bytes as it is told to, and remembers them.
class Taker : public ConnectionOwner {
  public:
    std::size_t on_bytes(std::string_view bytes) override {
        std::size_t const take = std::min(bytes.size(), appetite);
        taken += bytes.substr(0, take);
        if (connection != nullptr && pause_after_taking) connection->pause();
        return take;
    }
    void on_end(std::string_view /*refused*/) override { ended = true; }
    void on_drained() override { ++drained; }

    std::string taken;
    std::size_t appetite = SIZE_MAX;
    bool pause_after_taking = false;
    bool ended = false;
    int drained = 0;
    Connection* connection = nullptr;
};

class ConnectionTest : public testing::Test {
  protected:
    ConnectionTest() {
        tcp::acceptor acceptor(loop, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
        peer.connect(acceptor.local_endpoint());
        connection = std::make_shared<Connection>(acceptor.accept(), taker, buffer);
        taker.connection = connection.get();
    }
    ~ConnectionTest() override { connection->close(); }

    template <typename Condition>
    void run_until(Condition condition) {
        for (int i = 0; i < 10'000 && !condition(); ++i) {
            loop.restart();  // it stops whenever nothing is waited for
            loop.run_one_for(std::chrono::milliseconds(1));
        }
        ASSERT_TRUE(condition());
    }

    asio::io_context loop;
    ReadBuffer buffer;
    Taker taker;
    tcp::socket peer{loop};
    std::shared_ptr<Connection> connection;
};

TEST_F(ConnectionTest, WhatIsNotTakenComesAgainWithWhatFollows) {
    taker.appetite = 2;
    connection->start();
    asio::write(peer, asio::buffer(std::string_view("abc")));
    run_until([&] { return taker.taken == "ab"; });
    taker.appetite = SIZE_MAX;
    asio::write(peer, asio::buffer(std::string_view("de")));
    run_until([&] { return taker.taken == "abcde"; });
}

TEST_F(ConnectionTest, APausedConnectionIsNotReadAndLosesNothing) {
    taker.pause_after_taking = true;
    taker.appetite = 1;
    connection->start();
    std::string const sent(500'000, 'x');
    std::size_t written = 0;
    peer.non_blocking(true);
    while (written < sent.size()) {
        error_code error;
        written +=
            peer.write_some(asio::buffer(sent.data() + written, sent.size() - written), error);
        if (error) break;
        loop.poll();
    }
    run_until([&] { return taker.taken.size() == 1; });
    EXPECT_LE(connection->charge(), 2 * base::read_chunk_bytes);

    taker.pause_after_taking = false;
    taker.appetite = SIZE_MAX;
    connection->resume();
    peer.close();
    run_until([&] { return taker.ended; });
    EXPECT_EQ(taker.taken.size(), written);
}

TEST_F(ConnectionTest, AReaderThatDoesNotReadGetsEverythingWhenItDoes) {
    connection->start();
    base::Bytes const value(std::string(1'000'000, 'v'));
    for (int i = 0; i < 20; ++i) connection->output().append(value);
    connection->flush();
    EXPECT_FALSE(connection->output().empty());
    std::string received;
    std::string chunk(1 << 20, '\0');
    peer.non_blocking(true);
    run_until([&] {
        error_code error;
        received.append(chunk, 0, peer.read_some(asio::buffer(chunk), error));
        return received.size() == 20'000'000;
    });
    EXPECT_TRUE(connection->output().empty());
    EXPECT_EQ(received.find_first_not_of('v'), received.npos);
}

TEST_F(ConnectionTest, WhatIsLeftIsSentAfterThePeerHasEnded) {
    connection->start();
    base::Bytes const value(std::string(20'000'000, 'v'));
    connection->output().append(value);
    connection->flush();
    peer.shutdown(tcp::socket::shutdown_send);
    std::size_t received = 0;
    std::string chunk(1 << 20, '\0');
    peer.non_blocking(true);
    run_until([&] {
        error_code error;
        received += peer.read_some(asio::buffer(chunk), error);
        return received == value.size();
    });
    EXPECT_TRUE(taker.ended);
    EXPECT_GT(taker.drained, 0);
    EXPECT_TRUE(connection->all_sent());
}

TEST_F(ConnectionTest, TheEndIsToldOnce) {
    connection->start();
    peer.close();
    run_until([&] { return taker.ended; });
}

TEST_F(ConnectionTest, AClosedConnectionSaysNothing) {
    connection->start();
    connection->close();
    asio::write(peer, asio::buffer(std::string_view("x")));
    for (int i = 0; i < 10; ++i) loop.run_one_for(std::chrono::milliseconds(1));
    EXPECT_EQ(taker.taken, "");
    EXPECT_FALSE(taker.ended);
}

}  // namespace
}  // namespace doozer::net
