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

/// The request at the beginning of the text, with its body.
HttpRequest read(std::string_view text) {
    RequestReader reader;
    auto outcome = reader.read(text);
    EXPECT_EQ(outcome.state, State::head) << text;
    HttpRequest request = reader.take_head();
    if (!request.has_body) return request;
    reader.expect_body(100);
    outcome = reader.read(text.substr(outcome.used));
    EXPECT_EQ(outcome.state, State::done) << text;
    request.body = reader.take_body();
    return request;
}

/// The status of the refusal; 0 if there is none. A body may have 100 bytes.
int refused(std::string_view text) {
    RequestReader reader;
    auto outcome = reader.read(text);
    if (outcome.state == State::head && reader.take_head().has_body) {
        reader.expect_body(100);
        outcome = reader.read(text.substr(outcome.used));
    }
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
    RequestReader reader;
    std::string waiting;
    std::vector<std::string> seen;
    std::size_t given = 0;
    while (seen.size() < 3) {
        std::size_t const piece = *rc::gen::inRange<std::size_t>(1, 40);
        waiting += all.substr(given, piece);
        given = std::min(all.size(), given + piece);
        for (bool goes_on = true; goes_on;) {
            auto const outcome = reader.read(waiting);
            RC_ASSERT(outcome.state != State::refused);
            waiting.erase(0, outcome.used);
            goes_on = outcome.state != State::more && !waiting.empty();
            if (outcome.state == State::head) {
                HttpRequest const request = reader.take_head();
                seen.push_back(request.path);
                if (request.has_body) reader.expect_body(100);
            } else if (outcome.state == State::done) {
                seen.back() += reader.take_body();
            }
        }
    }
    RC_ASSERT(given == all.size());
    RC_ASSERT(seen == (std::vector<std::string>{"/v1/walk", "/v1/file/ahello", "/v1/walk"}));
}

TEST(RequestReader, TheHeaderIsThereBeforeTheBodyIsRead) {
    RequestReader reader;
    std::string_view const header =
        "PUT /a HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 1000000\r\n\r\n";
    EXPECT_EQ(reader.read(header).state, State::head);
    HttpRequest const request = reader.take_head();
    EXPECT_TRUE(request.has_body);
    EXPECT_TRUE(request.waits_for_leave);
    EXPECT_EQ(request.content_length, 1'000'000U);
    EXPECT_LT(reader.body_charge(), 100U);
    reader.expect_body(1'000'000);
    EXPECT_EQ(reader.body_charge(), 1'000'000U) << "it is set aside before it arrives";
    EXPECT_TRUE(reader.in_a_request());
}

TEST(RequestReader, WhatIsTooLongIsRefusedBeforeItIsThere) {
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
         {"\r\n\r\n\r\n ", "GET\r\n\r\n", "GET / HTTP/1.1\r\nA\r\n\r\n",
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

TEST(RequestReader, WhatProxiesReadInAnotherWayIsRefused) {
    std::string const line = "GET / HTTP/1.1\r\n";
    for (char const* headers :
         {"X: a\r\n b\r\n", "X: a\r\n\tb\r\n", " X: a\r\n", "X: a\n", "X: a\rb\r\n", "X : a\r\n",
          "Content-Length: 1\r\nContent-Length: 1\r\n", "Content-Length: +1\r\n",
          "Content-Length: -1\r\n", "Content-Length: 1, 1\r\n",
          "Content-Length: 99999999999999999999999\r\n", "If-Match: \"1\"\r\nif-match: \"2\"\r\n",
          "Authorization: a\r\nAuthorization: b\r\n"}) {
        EXPECT_EQ(refused(line + headers + "\r\n"), 400) << headers;
    }
    EXPECT_EQ(refused(line + std::string("X: a\0b\r\n\r\n", 11)), 400);
    EXPECT_EQ(refused("PUT / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 400);
}

TEST(RequestReader, ItIsSaidAtOnceThatAnotherProtocolIsNotSpoken) {
    EXPECT_EQ(refused("\x16\x03"), 400) << "a handshake of TLS";
    EXPECT_EQ(refused("GET /\r\n"), 400) << "HTTP/0.9";
    EXPECT_EQ(refused("GET / HTTP/1.1\n"), 400) << "a line that ends in LF alone";
    EXPECT_EQ(refused("PRI * HTTP/2.0\r\n"), 505);
}

TEST(RequestReader, HeadersAreCounted) {
    std::string text = "GET / HTTP/1.1\r\n";
    for (std::size_t i = 0; i < web_headers_max; ++i) text += "A: b\r\n";
    EXPECT_EQ(refused(text + "\r\n"), 0);
    EXPECT_EQ(refused(text + "A: b\r\n\r\n"), 431);
}

TEST(RequestReader, AnEmptyLineBeforeARequestIsNoRequest) {
    RequestReader reader;
    auto const outcome = reader.read("\r\nGET / HTTP/1.1\r\n\r\n");
    EXPECT_EQ(outcome.state, State::head);
    EXPECT_EQ(outcome.used, 20U);
}

TEST(RequestReader, AnAddressThatCannotBeReadHasNoPath) {
    for (char const* target :
         {"/%zz", "http://h/", "/?a=%z", "/a%2fb", "/a%2Fb", "/a%00", "*", "a", "http://h"}) {
        HttpRequest const request =
            read("GET " + std::string(target) + " HTTP/1.1\r\nHost: other\r\n\r\n");
        EXPECT_EQ(request.path, "") << target;
        EXPECT_NE(request.fault, "") << target;
    }
}

TEST(RequestReader, AWholeAddressIsAPathIfItNamesTheHost) {
    std::string const rest = " HTTP/1.1\r\nHost: h:80\r\n\r\n";
    EXPECT_EQ(read("GET http://h:80/a/b?c=%2f" + rest).path, "/a/b");
    EXPECT_EQ(*read("GET HTTP://H:80/a/b?c=%2f" + rest).parameter("c"), "/");
    EXPECT_EQ(read("GET http://h:80@evil/a" + rest).path, "");
}

TEST(Response, SaysHowItsEndIsFound) {
    using Kind = BodyLength::Kind;
    HttpResponse const response{.headers = {{"ETag", "\"1\""}}};
    EXPECT_EQ(response_head(response, {Kind::known, 3}, true),
              "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 3\r\n"
              "ETag: \"1\"\r\nConnection: keep-alive\r\n\r\n");
    EXPECT_EQ(response_head({.status = 204}, {}, false),
              "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
    EXPECT_EQ(response_head({.content_type = "text/event-stream"}, {Kind::until_close}, false),
              "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n");
    EXPECT_EQ(response_head({}, {Kind::chunked}, true),
              "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n"
              "Connection: keep-alive\r\n\r\n");
    std::string chunk;
    append_chunk(chunk, std::string(26, 'x'));
    EXPECT_EQ(chunk, "1a\r\n" + std::string(26, 'x') + "\r\n");
}

TEST(Response, HasADate) {
    EXPECT_EQ(http_date(784'111'777), "Sun, 06 Nov 1994 08:49:37 GMT");
    EXPECT_EQ(http_date(1'709'164'800), "Thu, 29 Feb 2024 00:00:00 GMT");
}

}  // namespace
}  // namespace doozer::web
