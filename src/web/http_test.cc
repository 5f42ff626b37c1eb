#include "web/http.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>

namespace doozer::web {
namespace {

using State = RequestReader::Outcome::State;

constexpr std::string_view get =
    "GET /v1/walk?glob=%2Fa%2F**&limit=3&empty&x=a+b HTTP/1.1\r\nHost: h:1\r\nX-Y: z\r\n\r\n";
constexpr std::string_view put =
    "PUT /v1/file/a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello";

HttpRequest read(std::string_view text) {
    RequestReader reader(100);
    auto const outcome = reader.read(text);
    EXPECT_EQ(outcome.state, State::done) << text;
    EXPECT_EQ(outcome.used, text.size());
    return reader.take();
}

int refused(std::string_view text, std::size_t body_bytes_max = 100) {
    RequestReader reader(body_bytes_max);
    auto const outcome = reader.read(text);
    return outcome.state == State::refused ? outcome.status : 0;
}

TEST(RequestReader, ReadsPathParametersAndHeaders) {
    HttpRequest const request = read(get);
    EXPECT_EQ(request.method, Method::get);
    EXPECT_EQ(request.path, "/v1/walk");
    EXPECT_EQ(*request.parameter("glob"), "/a/**");
    EXPECT_EQ(*request.parameter("limit"), "3");
    EXPECT_EQ(*request.parameter("empty"), "");
    EXPECT_EQ(*request.parameter("x"), "a b");
    EXPECT_EQ(request.parameter("nothing"), nullptr);
    EXPECT_EQ(*request.header("x-y"), "z");
    EXPECT_TRUE(request.keep_alive);
}

TEST(RequestReader, ReadsABodyByItsLengthAndInChunks) {
    EXPECT_EQ(read(put).body, "hello");
    EXPECT_EQ(
        read(
            "PUT /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n")
            .body,
        "hello");
}

TEST(RequestReader, TheConnectionEndsWhereTheClientSaysSo) {
    EXPECT_FALSE(read("GET / HTTP/1.1\r\nConnection: close\r\n\r\n").keep_alive);
    EXPECT_FALSE(read("GET / HTTP/1.0\r\n\r\n").keep_alive);
}

RC_GTEST_PROP(RequestReader, ReadsTheSameInWhateverPiecesItComes, ()) {
    std::string const all = std::string(get) + std::string(put) + std::string(get);
    RequestReader reader(100);
    std::string waiting;
    std::vector<std::string> seen;
    std::size_t given = 0;
    while (given < all.size() || !waiting.empty()) {
        std::size_t const piece = *rc::gen::inRange<std::size_t>(1, 40);
        waiting += all.substr(given, piece);
        given = std::min(all.size(), given + piece);
        for (;;) {
            auto const outcome = reader.read(waiting);
            RC_ASSERT(outcome.state != State::refused);
            waiting.erase(0, outcome.used);
            if (outcome.state != State::done) break;
            HttpRequest const request = reader.take();
            seen.push_back(request.path + request.body);
            if (waiting.empty()) break;
        }
        if (given == all.size() && seen.size() == 3) break;
    }
    RC_ASSERT(seen == (std::vector<std::string>{"/v1/walk", "/v1/file/ahello", "/v1/walk"}));
}

TEST(RequestReader, ALongBodyWaitsForLeave) {
    RequestReader reader(100);
    auto const outcome =
        reader.read("PUT /a HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    EXPECT_EQ(outcome.state, State::expects_continue);
    EXPECT_EQ(reader.read("ok").state, State::done);
    EXPECT_EQ(reader.take().body, "ok");
}

TEST(RequestReader, WhatIsTooLongIsRefusedBeforeItIsThere) {
    EXPECT_EQ(refused("PUT /a HTTP/1.1\r\nContent-Length: 101\r\n\r\n"), 413);
    EXPECT_EQ(refused("PUT /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
                      "65\r\n" +
                      std::string(101, 'x')),
              413);
    EXPECT_EQ(refused("GET /" + std::string(web_header_bytes_max, 'a')), 431);
    EXPECT_EQ(
        refused("GET / HTTP/1.1\r\nX: " + std::string(web_header_bytes_max, 'a') + "\r\n\r\n"),
        431);
    for (char const* beginning : {"3;", "3\r\nabc\r\n0\r\nX: "}) {
        EXPECT_EQ(refused("PUT /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" +
                          (beginning + std::string(web_header_bytes_max, 'a'))),
                  431);
    }
}

TEST(RequestReader, WhatIsNotHttpIsRefused) {
    for (char const* text :
         {"\r\n\r\n\r\n ", "GET\r\n\r\n", "GET / HTTP/3.0\r\n\r\n", "GET / HTTP/1.1\r\nA\r\n\r\n",
          "GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n", "\x16\x03\x01\x02\r\n\r\n"}) {
        EXPECT_EQ(refused(text), 400) << text;
    }
    EXPECT_EQ(refused("PUT / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"),
              400)
        << "two lengths: a proxy might believe the other";
    EXPECT_EQ(refused("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"), 400)
        << "and so with two names of the server";
}

TEST(RequestReader, ABodyInACodingThatItDoesNotKnowIsNotTakenForAnother) {
    for (char const* coding : {"gzip", "gzip, chunked", "chunked, gzip", "identity", "",
                               "gzip\r\nTransfer-Encoding: chunked"}) {
        EXPECT_EQ(refused("PUT /a HTTP/1.1\r\nTransfer-Encoding: " + std::string(coding) +
                          "\r\n\r\n0\r\n\r\n"),
                  501)
            << coding;
    }
}

TEST(RequestReader, AnAddressThatCannotBeReadHasNoPath) {
    EXPECT_EQ(read("GET /%zz HTTP/1.1\r\n\r\n").path, "");
    EXPECT_EQ(read("GET http://h/ HTTP/1.1\r\n\r\n").path, "");
    EXPECT_EQ(read("GET /?a=%z HTTP/1.1\r\n\r\n").path, "");
}

TEST(Response, HasALengthUnlessItHasNoEnd) {
    HttpResponse const response{.headers = {{"ETag", "\"1\""}}};
    EXPECT_EQ(response_head(response, 3, true),
              "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 3\r\n"
              "ETag: \"1\"\r\nConnection: keep-alive\r\n\r\n");
    EXPECT_EQ(response_head({.status = 204}, 0, false),
              "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
    EXPECT_EQ(response_head({.content_type = "text/event-stream"}, std::nullopt, false),
              "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n");
}

}  // namespace
}  // namespace doozer::web
