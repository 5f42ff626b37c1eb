#include "wire/client_codec.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <initializer_list>
#include <limits>
#include <string>

#include "wire/frame.h"

namespace doozer::wire {
using namespace base;
namespace {

std::string bytes(std::initializer_list<int> values) {
    std::string out;
    for (int const v : values) out.push_back(static_cast<char>(v));
    return out;
}

/// The body of the only frame in `frame`.
std::string body_of(std::string const& frame) {
    FrameSplitter frames(frame, 1 * MiB);
    auto const body = frames.next();
    EXPECT_TRUE(body.ok() && body.value());
    EXPECT_EQ(frames.consumed(), frame.size());
    return std::string(*body.value());
}

std::string encoded(Request const& r) {
    std::string out;
    append_request(out, r);
    return body_of(out);
}

std::string encoded(Response const& r) {
    std::string out;
    append_response(out, r);
    return body_of(out);
}

Request decoded(std::string const& body) {
    auto const r = decode_request(body);
    EXPECT_TRUE(r.ok());
    return r.ok() ? r.value() : Request{};
}

// --- what goes over the wire -------------------------------------------------------------------

TEST(ClientCodec, WritesTheFieldsInTheOrderOfTheirNumbers) {
    Request r;
    r.tag = Tag(1);
    r.verb = Verb::set;
    r.path = "/a";
    r.value = "v";
    r.offset = 2;
    r.rev = Revision(300);
    EXPECT_EQ(encoded(r), bytes({0x08, 1, 0x10, 2, 0x22, 2, '/', 'a', 0x2a, 1, 'v', 0x38, 2, 0x48,
                                 0xac, 0x02}));
    r = Request{};
    r.rev = Revision(1);
    r.min_rev = Revision(5);
    r.linear = true;
    EXPECT_EQ(encoded(r), bytes({0x48, 1, 0x80, 0x02, 5, 0x88, 0x02, 1}));
    Response s;
    s.tag = Tag(1);
    s.flags = 4;
    s.rev = Revision(5);
    s.path = "/a";
    s.value = "v";
    s.len = 1;
    s.applied = Revision(9);
    s.err_code = Errc::other;
    s.err_detail = "d";
    EXPECT_EQ(encoded(s), bytes({0x08, 1, 0x10, 4, 0x18, 5,    0x2a, 2,   '/',  'a',  0x32, 1,  'v',
                                 0x40, 1, 0x80, 2, 9,    0xa0, 0x06, 127, 0xaa, 0x06, 1,    'd'}));
}

TEST(ClientCodec, WritesAPageOfFiles) {
    Request r;
    r.tag = Tag(1);
    r.verb = Verb::list;
    r.path = "/d";
    r.after = "/d/a";
    r.limit = 2;
    EXPECT_EQ(encoded(r), bytes({0x08, 1, 0x10, 37, 0x22, 2, '/', 'd', 0xba, 0x02, 4, '/', 'd', '/',
                                 'a', 0xc0, 0x02, 2}));
    EXPECT_EQ(decoded(encoded(r)), r);
    Response s;
    s.tag = Tag(1);
    s.rev = Revision(9);
    s.events = {{"/d/b", "B", Revision(5), flag_set}, {"/d/c", "", Revision(300), flag_set}};
    s.more = true;
    EXPECT_EQ(
        encoded(s),
        bytes({0x08, 1,    0x18, 9,                                                             //
               0x9a, 0x02, 13,   0x0a, 4, '/', 'd', '/', 'b', 0x12, 1, 'B',  0x18, 5, 0x20, 4,  //
               0x9a, 0x02, 13,   0x0a, 4, '/', 'd', '/', 'c', 0x12, 0, 0x18, 0xac, 2, 0x20, 4,  //
               0xb8, 0x02, 1}));
    std::string const body = encoded(s);
    EXPECT_EQ(decode_response(body).value(), s);
}

TEST(ClientCodec, EventsWhoseValuesAreSentFromElsewhereAreReadAlike) {
    for (std::size_t const size : {0U, 1U, 127U, 128U, 70'000U}) {
        std::string const value(size, 'v');
        Response s;
        s.tag = Tag(7);
        s.rev = Revision(123'456'789);
        s.events = {{"/some/path", value, Revision(7), flag_set},
                    {"/another", value, Revision(1'000'000), flag_del}};
        s.more = true;
        std::string whole;
        append_response(whole, s);
        std::string pieces;
        std::size_t bytes = 0;
        for (EventView const& e : s.events) bytes += event_bytes(e);
        append_events_head(pieces, s, bytes);
        for (EventView const& e : s.events) {
            append_event_head(pieces, e);
            pieces += *e.value;
        }
        EXPECT_EQ(pieces.size(), whole.size());
        std::string const body = body_of(pieces);
        EXPECT_EQ(decode_response(body).value(), s);
    }
}

TEST(ClientCodec, AnEventThatIsNoProtocolBufferMakesTheResponseNone) {
    EXPECT_FALSE(decode_response(bytes({0x9a, 0x02, 2, 0x0a, 4})).ok());
    EXPECT_FALSE(decode_response(bytes({0x9a, 0x02, 2, 0x0a})).ok());
}

TEST(ClientCodec, ANegativeNumberTakesTenBytes) {
    Request r;
    r.rev = clobber;
    EXPECT_EQ(encoded(r), bytes({0x48, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1}));
    r = Request{};
    r.tag = Tag(-1);
    EXPECT_EQ(encoded(r), bytes({0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1}));
    EXPECT_EQ(decoded(encoded(r)), r);
}

TEST(ClientCodec, ZeroAndEmptyAreSentAndNotSetIsNot) {
    Response s;
    s.rev = Revision(0);
    s.value = "";
    EXPECT_EQ(encoded(s), bytes({0x18, 0, 0x32, 0}));
    EXPECT_EQ(encoded(Response{}), "");
}

TEST(ClientCodec, AppendsToWhatIsThere) {
    Request r;
    r.verb = Verb::rev;
    std::string out = "before";
    append_request(out, r);
    append_request(out, r);
    std::string const frame = bytes({0, 0, 0, 2, 0x10, 5});
    EXPECT_EQ(out, "before" + frame + frame);
}

TEST(ClientCodec, AHeadAndItsValueMakeTheSameFrameAsTheWholeResponse) {
    for (std::size_t const size : {0U, 1U, 127U, 128U, 70'000U}) {
        std::string const value(size, 'v');
        Response s;
        s.tag = Tag(7);
        s.flags = flag_set;
        s.rev = Revision(123'456'789);
        s.path = "/some/path";
        std::string head;
        append_response_head(head, s, value.size());
        s.value = value;
        std::string whole;
        append_response(whole, s);
        EXPECT_EQ(head + value, whole);
    }
}

TEST(ClientCodec, AHeadCarriesWhatWasAppliedBeforeTheValue) {
    Response s;
    s.value = "v";
    s.applied = Revision(9);
    std::string head;
    append_response_head(head, s, 1);
    head += "v";
    std::string const body = body_of(head);  // what is read points into it
    auto const read = decode_response(body);
    EXPECT_EQ(read.value(), s);
}

TEST(ClientCodecDeathTest, AHeadCannotCarryWhatComesBehindTheValue) {
    std::string out;
    Response s;
    s.len = 1;
    EXPECT_DEATH(append_response_head(out, s, 1), "assertion failed");
}

// --- protocol.md, Malformed input --------------------------------------------------------------

TEST(MalformedInput, NoTagIsARequestWithoutATag) {
    Request const r = decoded(bytes({0x10, 5}));
    EXPECT_FALSE(r.tag);
    EXPECT_EQ(r.verb, Verb::rev);
}

TEST(MalformedInput, AnEmptyMessageIsARequestInWhichNothingIsSet) {
    EXPECT_EQ(decoded(""), Request{});
}

TEST(MalformedInput, UnknownFieldsAreIgnoredWhateverTheirType) {
    std::string const known = bytes({0x08, 9});
    Request const expected = decoded(known);
    for (std::string const& unknown :
         {bytes({0x50, 0xac, 0x02}),                 // field 10, varint
          bytes({0x51, 1, 2, 3, 4, 5, 6, 7, 8}),     // fixed64
          bytes({0x52, 3, 'a', 'b', 'c'}),           // bytes
          bytes({0x55, 1, 2, 3, 4}),                 // fixed32
          bytes({0xc0, 0xa3, 0x09, 1}),              // field 19000, reserved
          bytes({0xf8, 0xff, 0xff, 0xff, 0x0f, 1}),  // the highest field number
          bytes({0x30, 5})}) {                       // other_tag, which no verb uses
        EXPECT_EQ(decoded(unknown + known), expected);
        EXPECT_EQ(decoded(known + unknown), expected);
    }
}

TEST(MalformedInput, AVerbOfAWrongWireTypeIsNoVerb) {
    Request const r = decoded(bytes({0x08, 1, 0x12, 1, 5}));
    EXPECT_EQ(r.tag, Tag(1));
    EXPECT_FALSE(r.verb);
}

TEST(MalformedInput, AnyFieldOfAWrongWireTypeIsSkipped) {
    EXPECT_EQ(decoded(bytes(
                  {0x0a, 1, 5, 0x20, 5, 0x28, 5, 0x3d, 1, 2, 3, 4, 0x49, 1, 2, 3, 4, 5, 6, 7, 8})),
              Request{});
}

TEST(MalformedInput, TheLastOccurrenceOfAFieldCounts) {
    std::string const body = bytes({0x08, 1, 0x22, 1, 'a', 0x08, 2, 0x22, 1, 'b'});
    Request const r = decoded(body);
    EXPECT_EQ(r.tag, Tag(2));
    EXPECT_EQ(r.path, "b");
}

TEST(MalformedInput, ABoolIsAnyNumberButZero) {
    EXPECT_FALSE(decoded(bytes({0x88, 0x02, 0})).linear);
    EXPECT_TRUE(decoded(bytes({0x88, 0x02, 1})).linear);
    EXPECT_TRUE(decoded(bytes({0x88, 0x02, 0x80, 0x80, 0x80, 0x80, 0x10})).linear);
    EXPECT_FALSE(decoded(bytes({0x88, 0x02, 1, 0x88, 0x02, 0})).linear);
}

TEST(MalformedInput, AVerbNobodyKnowsIsAVerb) {
    EXPECT_EQ(decoded(bytes({0x10, 33})).verb, static_cast<Verb>(33));
}

TEST(MalformedInput, AnInt32IsTheLow32BitsOfWhatWasSent) {
    std::string const two_to_the_32_plus_7 = bytes({0x87, 0x80, 0x80, 0x80, 0x10});
    Request const r =
        decoded(bytes({0x08}) + two_to_the_32_plus_7 + bytes({0x48}) + two_to_the_32_plus_7);
    EXPECT_EQ(r.tag, Tag(7));
    EXPECT_EQ(r.rev, Revision((std::int64_t{1} << 32) + 7));
    // A sender that does not extend the sign to 64 bits is understood too.
    EXPECT_EQ(decoded(bytes({0x08, 0xff, 0xff, 0xff, 0xff, 0x0f})).tag, Tag(-1));
}

TEST(MalformedInput, BytesThatAreNoProtobufAreRefused) {
    for (std::string const& body :
         {bytes({0x08}),          // a key, no value
          bytes({0x08, 0x80}),    // half a varint
          bytes({0x88}),          // half a key
          bytes({0x22, 5, 'a'}),  // half a string
          bytes({0x22, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1}),  // 2^64-1 long
          bytes({0x51, 1, 2, 3}),                                                  // half a fixed64
          bytes({0x55, 1, 2, 3}),                                                  // half a fixed32
          bytes({0x0b}), bytes({0x53, 0x54}), bytes({0x0c}),                       // groups
          bytes({0x0e, 1}), bytes({0x0f, 1}),              // wire types 6 and 7
          bytes({0x00, 1}), bytes({0x02, 0}),              // field number 0
          bytes({0x88, 0x80, 0x80, 0x80, 0x80, 0x01, 1}),  // a key over 32 bits
          bytes({0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})}) {
        EXPECT_FALSE(decode_request(body).ok()) << testing::PrintToString(body);
        EXPECT_FALSE(decode_response(body).ok()) << testing::PrintToString(body);
    }
    EXPECT_EQ(decode_request("\x08").error(), (Error{Errc::other, "not a protocol buffer"}));
}

// --- properties --------------------------------------------------------------------------------

template <typename T>
std::optional<T> maybe() {
    return *rc::gen::arbitrary<bool>() ? std::optional(*rc::gen::arbitrary<T>()) : std::nullopt;
}

template <typename T, typename Rep>
std::optional<T> maybe_number() {
    auto const n = maybe<Rep>();
    return n ? std::optional(static_cast<T>(*n)) : std::nullopt;
}

RC_GTEST_PROP(ClientCodecProperty, ARequestComesBackAsItWasSent, ()) {
    auto const path = maybe<std::string>();
    auto const value = maybe<std::string>();
    Request r;
    r.tag = maybe_number<Tag, std::int32_t>();
    r.verb = maybe_number<Verb, std::int32_t>();
    r.path = path;
    r.value = value;
    r.offset = maybe<std::int32_t>();
    r.rev = maybe_number<Revision, std::int64_t>();
    r.min_rev = maybe_number<Revision, std::int64_t>();
    r.linear = *rc::gen::arbitrary<bool>();
    auto const after = maybe<std::string>();
    r.after = after;
    r.limit = maybe<std::int32_t>();
    std::string const body = encoded(r);
    auto const back = decode_request(body);
    RC_ASSERT(back.ok());
    RC_ASSERT(back.value() == r);
}

RC_GTEST_PROP(ClientCodecProperty, AResponseComesBackAsItWasSent, ()) {
    auto const path = maybe<std::string>();
    auto const value = maybe<std::string>();
    auto const detail = maybe<std::string>();
    Response s;
    s.tag = maybe_number<Tag, std::int32_t>();
    s.flags = maybe<std::int32_t>();
    s.rev = maybe_number<Revision, std::int64_t>();
    s.path = path;
    s.value = value;
    s.len = maybe<std::int32_t>();
    s.err_code = maybe_number<Errc, std::int32_t>();
    s.err_detail = detail;
    s.applied = maybe_number<Revision, std::int64_t>();
    auto const event_path = maybe<std::string>();
    auto const event_value = maybe<std::string>();
    for (int n = *rc::gen::inRange(0, 3); n > 0; --n) {
        s.events.push_back({event_path, event_value, maybe_number<Revision, std::int64_t>(),
                            maybe<std::int32_t>()});
    }
    s.more = *rc::gen::arbitrary<bool>();
    std::string const body = encoded(s);
    auto const back = decode_response(body);
    RC_ASSERT(back.ok());
    RC_ASSERT(back.value() == s);
}

RC_GTEST_PROP(ClientCodecProperty, WhatIsUnderstoodIsWrittenSoThatItIsUnderstoodAlike,
              (std::string const& body)) {
    auto const first = decode_request(body);
    if (!first.ok()) return;
    std::string const again = encoded(first.value());
    RC_ASSERT(decode_request(again).value() == first.value());
}

TEST(ClientCodec, CarriesTheLargestNumbers) {
    for (std::int64_t const n :
         {std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()}) {
        Request r;
        r.tag = Tag(static_cast<std::int32_t>(n));
        r.offset = n < 0 ? std::numeric_limits<std::int32_t>::min()
                         : std::numeric_limits<std::int32_t>::max();
        r.rev = Revision(n);
        EXPECT_EQ(decoded(encoded(r)), r);
    }
}

}  // namespace
}  // namespace doozer::wire
