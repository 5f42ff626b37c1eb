#include "web/guard.h"

#include <gtest/gtest.h>

#include <string>

#include "web/text.h"

namespace doozer::web {
namespace {

HttpRequest with(std::string const& name, std::string const& value) {
    HttpRequest request;
    request.headers.emplace_back(name, value);
    return request;
}

HttpRequest basic(std::string const& pair) {
    return with("authorization", "Basic " + to_base64(pair));
}

TEST(Secret, IsThePasswordWhateverTheName) {
    EXPECT_EQ(secret_of(basic("me:opensesame")), "opensesame");
    EXPECT_EQ(secret_of(basic(":a:b")), "a:b");
    EXPECT_EQ(secret_of(with("authorization", "basic " + to_base64("x:y"))), "y");
    EXPECT_EQ(secret_of(basic("me:")), "");
}

TEST(Secret, IsNotThereIfNoneWasGiven) {
    EXPECT_FALSE(secret_of(HttpRequest()).has_value());
    EXPECT_FALSE(secret_of(with("authorization", "Bearer abc")).has_value());
}

TEST(Secret, ThatCannotBeReadIsAWrongOne) {
    for (char const* text : {"Basic ", "Basic ?", "Basic YQ==", "Basic Y"}) {
        auto const secret = secret_of(with("authorization", text));
        ASSERT_TRUE(secret.has_value()) << text;
        EXPECT_NE(*secret, "") << text;
    }
}

TEST(KnownHosts, AreAddressesAndThisMachine) {
    KnownHosts hosts;
    hosts.add("db1.example.com");
    hosts.add("");
    for (char const* host :
         {"127.0.0.1:8000", "127.0.0.1", "10.1.2.3:80", "[::1]:8000", "[fe80::1]", "localhost",
          "LocalHost:9", "db1.example.com:8000", "DB1.example.com.", "localhost.:1"}) {
        EXPECT_TRUE(hosts.know(host)) << host;
    }
    for (char const* host : {"evil.example:8000", "", ":8000", "db1.example.com.evil.example",
                             "127.0.0.1.evil.example", "localhost.evil.example", "1.2.3", "db1"}) {
        EXPECT_FALSE(hosts.know(host)) << host;
    }
}

TEST(Origin, IsThatOfThePageItself) {
    HttpRequest request = with("host", "10.0.0.1:8000");
    EXPECT_TRUE(is_same_origin(request, false)) << "no page at all";
    request.headers.emplace_back("origin", "http://10.0.0.1:8000");
    EXPECT_TRUE(is_same_origin(request, false));
    EXPECT_FALSE(is_same_origin(request, true)) << "http is not https";
    for (char const* other : {"http://evil.example", "null", "http://10.0.0.1",
                              "http://10.0.0.1:80000", "http://10.0.0.1:8000.evil.example", ""}) {
        request.headers.back().second = other;
        EXPECT_FALSE(is_same_origin(request, false)) << other;
    }
}

}  // namespace
}  // namespace doozer::web
