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
    [[nodiscard]] bool is_serving() const override { return serving; }
    [[nodiscard]] bool can_commit() const override { return committing; }
    [[nodiscard]] store::Store const& store() const override { return store_; }
    [[nodiscard]] Metrics const& metrics() const override { return metrics_; }
    [[nodiscard]] Gauges gauges() const override { return {}; }
    [[nodiscard]] Instant clock() const override { return now; }

    bool serving = true;
    bool committing = true;
    Instant now{1};
    std::uint64_t sessions = 0;
    std::uint64_t closed = 0;
    std::vector<Asked> asked;

  private:
    store::Store store_{{}};
    Metrics metrics_;
};

class WebServer : public testing::Test {
  protected:
    WebServer()
        : server(loop, host, nullptr, {.write = true, .host_names = {}}, [](std::string const&) {}),
          client(loop) {
        EXPECT_TRUE(server.listen({"127.0.0.1", 0}).ok());
        server.start();
        client.connect({net::asio::ip::address_v4::loopback(), server.address().port});
        client.non_blocking(true);
    }

    void send(std::string const& text) { (void)client.send(net::asio::buffer(text)); }

    void turn() {
        loop.poll();
        (void)server.work();
    }

    /// What the server has said until there is something, and then is silent.
    std::string answer() {
        std::string text;
        for (;;) {
            turn();
            std::array<char, 4096> buffer{};
            net::error_code error;
            std::size_t const size = client.read_some(net::asio::buffer(buffer), error);
            text.append(buffer.data(), size);
            if (error && !text.empty()) return text;
        }
    }

    std::string get(std::string const& path) {
        send("GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
        return answer();
    }

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

}  // namespace
}  // namespace doozer::web
