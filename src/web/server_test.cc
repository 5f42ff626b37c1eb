#include "web/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

namespace doozer::web {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

/// A process that answers nothing by itself.
class FakeHost : public Host {
  public:
    struct Asked {
        SessionId session;
        Verb verb;
        Tag tag;
    };

    SessionId open_web_session() override { return SessionId(++sessions); }
    void close_web_session(SessionId /*session*/) override { ++closed; }
    void web_request(SessionId session, Request const& request) override {
        asked.push_back({session, *request.verb, *request.tag});
    }
    [[nodiscard]] replica::Grants web_grants(SessionId /*session*/) const override {
        return {true, true};
    }
    [[nodiscard]] bool hears_majority() const override { return committing; }
    [[nodiscard]] std::int64_t unix_seconds() const override { return 0; }
    [[nodiscard]] bool is_serving() const override { return serving; }
    [[nodiscard]] bool can_commit() const override { return committing; }
    [[nodiscard]] store::Store const& store() const override { return store_; }
    [[nodiscard]] Metrics const& metrics() const override { return metrics_; }
    [[nodiscard]] Gauges gauges() const override { return {}; }
    [[nodiscard]] Instant clock() const override {
        now = now + tick;
        return now;
    }

    bool serving = true;
    bool committing = true;
    mutable Instant now{1};
    Duration tick{0};  ///< what every look at the clock takes
    std::uint64_t sessions = 0;
    std::uint64_t closed = 0;
    std::vector<Asked> asked;
    store::Store store_{{}};

  private:
    Metrics metrics_;
};

constexpr std::size_t buffer_bytes_max = 1 * MiB;
constexpr std::size_t body_bytes_max = 600 * KiB;

class WebServer : public testing::Test {
  protected:
    WebServer()
        : server(loop, host, nullptr,
                 {.write = true,
                  .value_bytes_max = body_bytes_max,
                  .buffer_bytes_max = buffer_bytes_max,
                  .connections_max = 8,
                  .host_names = {}},
                 [this](std::string const& line) { log.push_back(line); }),
          client(loop) {
        EXPECT_TRUE(server.listen({"127.0.0.1", 0}).ok());
        server.start();
        client = connect();
    }

    net::tcp::socket connect() {
        net::tcp::socket socket(loop);
        socket.connect({net::asio::ip::address_v4::loopback(), server.address().port});
        socket.non_blocking(true);
        return socket;
    }

    /// A connection that has sent the header of a PUT and nothing of its body.
    net::tcp::socket begin_put() {
        net::tcp::socket socket = connect();
        (void)socket.send(net::asio::buffer(
            "PUT /v1/file/a HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n"
            "Content-Length: " +
            std::to_string(body_bytes_max) + "\r\n\r\n"));
        return socket;
    }

    void send(std::string const& text) { (void)client.send(net::asio::buffer(text)); }

    void turn() {
        loop.poll();
        (void)server.work(true);
    }

    /// What the server has said until there is something, and then is silent.
    std::string answer() { return answer_to(client); }
    std::string answer_to(net::tcp::socket& socket) {
        std::string text;
        for (;;) {
            turn();
            std::array<char, 4096> buffer{};
            net::error_code error;
            std::size_t const size = socket.read_some(net::asio::buffer(buffer), error);
            text.append(buffer.data(), size);
            if (error == net::asio::error::would_block ? !text.empty() : bool(error)) return text;
        }
    }

    std::string get(std::string const& path) {
        send("GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
        return answer();
    }

    std::vector<std::string> log;
    net::asio::io_context loop{1};
    FakeHost host;
    Server server;
    net::tcp::socket client;
};

TEST_F(WebServer, AProcessWithoutACopyIsAskedNothing) {
    host.serving = host.committing = false;
    EXPECT_THAT(get("/v1/rev"), StartsWith("HTTP/1.1 503 "));
    EXPECT_THAT(get("/"), StartsWith("HTTP/1.1 503 "));
    EXPECT_THAT(get("/readyz"), StartsWith("HTTP/1.1 503 "));
    EXPECT_THAT(get("/healthz"), StartsWith("HTTP/1.1 200 "));
    EXPECT_TRUE(host.asked.empty());
}

TEST_F(WebServer, ReadyIsWhoCanCommit) {
    EXPECT_THAT(get("/readyz"), StartsWith("HTTP/1.1 200 "));
    host.committing = false;
    EXPECT_THAT(get("/readyz"), HasSubstr("accepts no writes"));
}

TEST_F(WebServer, WhatBecameOfAWriteMayBeUnknown) {
    send("PUT /v1/file/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx");
    while (host.asked.empty()) turn();
    EXPECT_EQ(host.asked[0].verb, Verb::set);
    server.on_lost(host.asked[0].session);
    EXPECT_THAT(answer(), HasSubstr("it may have been applied, and it may not"));
    EXPECT_EQ(host.closed, 1U);
}

TEST_F(WebServer, AnAnswerForWhoHasGoneIsDropped) {
    send("GET /v1/rev HTTP/1.1\r\nHost: localhost\r\n\r\n");
    while (host.asked.empty()) turn();
    client.close();
    while (host.closed == 0) turn();
    EXPECT_EQ(server.connections(), 0U);
    replica::Reply reply;
    reply.session = host.asked[0].session;
    reply.tag = host.asked[0].tag;
    server.on_reply(reply);
    turn();
}

/// A file whose history is 16 MiB that take six bytes each as JSON.
void make_long_history(store::Store& store) {
    std::string const value(256 * KiB, '\x01');
    for (int i = 0; i < 64; ++i) {
        store.apply(store::Mutation::set(store::Path::trusted("/a"), value, clobber));
    }
}

TEST_F(WebServer, NoTurnIsLongHoweverLargeTheAnswersAre) {
    make_long_history(host.store_);
    host.tick = microseconds(50);
    std::vector<net::tcp::socket> clients;
    std::string const get = "GET /v1/history/a HTTP/1.1\r\nHost: localhost\r\n\r\n";
    for (int i = 0; i < 6; ++i) {
        clients.push_back(connect());
        (void)clients.back().send(net::asio::buffer(get));
    }
    std::vector<char> buffer(256 * KiB);
    std::size_t taken = 0;
    while (taken < 4 * MiB) {
        loop.poll();
        Instant const before = host.now;
        (void)server.work(true);
        EXPECT_LE(host.now - before, milliseconds(5));
        EXPECT_LE(server.buffered_bytes(), buffer_bytes_max);
        net::error_code error;
        taken += clients[0].read_some(net::asio::buffer(buffer), error);  // the others take nothing
        ASSERT_FALSE(error && error != net::asio::error::would_block) << error.message();
    }
}

TEST_F(WebServer, ABodyThatDoesNotFitIsRefusedAndASlowOneMakesRoom) {
    net::tcp::socket first = begin_put();
    EXPECT_THAT(answer_to(first), StartsWith("HTTP/1.1 100 "));
    EXPECT_GE(server.buffered_bytes(), body_bytes_max) << "it is counted before it arrives";
    net::tcp::socket second = begin_put();
    EXPECT_THAT(answer_to(second), StartsWith("HTTP/1.1 503 "));
    host.now = host.now + seconds(3);
    net::tcp::socket third = begin_put();
    EXPECT_THAT(answer_to(third), StartsWith("HTTP/1.1 100 "));
    EXPECT_EQ(answer_to(first), "") << "it was closed";
    EXPECT_TRUE(host.asked.empty());
}

TEST_F(WebServer, SilentConnectionsMakeRoomForOthers) {
    send("GET /v1/rev HTTP/1.1\r\nHost: localhost\r\n\r\n");
    while (host.asked.empty()) turn();
    std::vector<net::tcp::socket> silent;
    for (int i = 0; i < 30; ++i) {
        silent.push_back(connect());
        turn();
        net::tcp::socket honest = connect();
        (void)honest.send(
            net::asio::buffer(std::string("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")));
        EXPECT_THAT(answer_to(honest), StartsWith("HTTP/1.1 200 "));
    }
    EXPECT_LE(server.connections(), 8U);
    replica::Reply reply;
    reply.session = host.asked[0].session;
    reply.tag = host.asked[0].tag;
    reply.rev = Revision(7);
    server.on_reply(reply);
    EXPECT_THAT(answer(), HasSubstr("{\"rev\":7}")) << "who has asked for something stays";
}

}  // namespace
}  // namespace doozer::web
