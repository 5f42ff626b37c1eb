#include "web/json.h"

#include <gtest/gtest.h>

#include <string>

namespace doozer::web {
namespace {

TEST(Json, AValueThatIsTextIsText) {
    EXPECT_EQ(text_of(file_item("/a", Revision(3), Bytes("x\"<\n"))),
              R"({"path":"/a","rev":3,"value":"x\"<\n"})");
}

TEST(Json, AValueThatIsNotUtf8IsBase64) {
    EXPECT_EQ(text_of(file_item("/a", Revision(3), Bytes("\xff\x00"))),
              R"({"path":"/a","rev":3,"base64":"/w=="})");
}

TEST(Json, ADeletionHasNoValue) {
    EXPECT_EQ(text_of(event_item({Revision(7), store::EventKind::del, "/a", {}})),
              R"({"path":"/a","rev":7,"kind":"del"})");
}

// web.md: "JSON with Path, Body, Rev, Seqn"; "a deletion has Rev 0 and an empty body"
TEST(Json, ThePageIsToldInItsOwnFields) {
    EXPECT_EQ(text_of(page_item("/x", Revision(4), Revision(9), Bytes("body"), SIZE_MAX)),
              R"({"Path":"/x","Rev":4,"Seqn":9,"Body":"body"})");
    EXPECT_EQ(text_of(page_item("/x", missing, Revision(9), Bytes(""), SIZE_MAX)),
              R"({"Path":"/x","Rev":0,"Seqn":9,"Body":""})");
    EXPECT_EQ(text_of(page_item("/x", Revision(4), Revision(9), Bytes("\xff"), SIZE_MAX)),
              R"({"Path":"/x","Rev":4,"Seqn":9,"Body64":"/w=="})");
}

TEST(Json, APageThatWantsOnlyTheBeginningIsToldTheSize) {
    EXPECT_EQ(text_of(page_item("/x", Revision(4), Revision(9), Bytes("a\xc3\xa9 long"), 2)),
              R"({"Path":"/x","Rev":4,"Seqn":9,"Body":"a","Len":8})");
}

TEST(Json, ARefusalHasItsNameAndItsStatus) {
    HttpResponse const mismatch = error_response({Errc::rev_mismatch});
    EXPECT_EQ(mismatch.status, 412);
    EXPECT_TRUE(mismatch.body.starts_with(R"({"error":"REV_MISMATCH",)")) << mismatch.body;
    EXPECT_EQ(error_response({Errc::too_late}).status, 410);
    EXPECT_EQ(error_response({Errc::other, "store full"}).status, 507);
    EXPECT_EQ(error_response({Errc::other, "value too large: the limit is 9 bytes"}).status, 413);
    EXPECT_EQ(error_response({Errc::other, "invalid glob pattern: a"}).status, 400);
}

TEST(Json, WhoMayNotIsAskedForTheSecret) {
    HttpResponse const denied = error_response({Errc::other, "permission denied"});
    EXPECT_EQ(denied.status, 401);
    ASSERT_EQ(denied.headers.size(), 1U);
    EXPECT_EQ(denied.headers[0].first, "WWW-Authenticate");
}

}  // namespace
}  // namespace doozer::web
