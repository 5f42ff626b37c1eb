#include "net/tls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>

namespace doozer::net {
namespace {

using testing::HasSubstr;

/// A certificate that signs itself, and its key, in files.
class Certificate {
  public:
    Certificate(std::filesystem::path const& folder, char const* name, char const* for_whom) {
        std::unique_ptr<EVP_PKEY, decltype(&::EVP_PKEY_free)> const key(::EVP_EC_gen("P-256"),
                                                                        ::EVP_PKEY_free);
        std::unique_ptr<X509, decltype(&::X509_free)> const certificate(::X509_new(), ::X509_free);
        X509* const x509 = certificate.get();
        ::X509_set_version(x509, 2);
        ASN1_INTEGER_set(::X509_get_serialNumber(x509), 1);
        ::X509_gmtime_adj(X509_getm_notBefore(x509), -60);
        ::X509_gmtime_adj(X509_getm_notAfter(x509), 3600);
        ::X509_set_pubkey(x509, key.get());
        ::X509_NAME_add_entry_by_txt(::X509_get_subject_name(x509), "CN", MBSTRING_ASC,
                                     reinterpret_cast<unsigned char const*>(name), -1, -1, 0);
        ::X509_set_issuer_name(x509, ::X509_get_subject_name(x509));
        X509_EXTENSION* const names =
            ::X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, for_whom);
        ::X509_add_ext(x509, names, -1);
        ::X509_EXTENSION_free(names);
        ::X509_sign(x509, key.get(), ::EVP_sha256());
        files.certificate = folder / (std::string(name) + ".pem");
        files.key = folder / (std::string(name) + ".key");
        std::FILE* out = std::fopen(files.certificate.c_str(), "w");
        ::PEM_write_X509(out, x509);
        std::fclose(out);
        out = std::fopen(files.key.c_str(), "w");
        ::PEM_write_PrivateKey(out, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
        std::fclose(out);
    }
    TlsServer::Files files;
};

/// What became of two sides that were left alone with each other.
struct Outcome {
    std::string client;  ///< why it ended; empty: it goes on
    std::string server;
};

class TlsTest : public testing::Test {
  protected:
    ~TlsTest() override { std::filesystem::remove_all(folder); }

    static void move(TlsFilter& from, TlsFilter& to, std::string& failure) {
        std::string sealed;
        from.take_sealed(sealed);
        std::string plain;
        auto const opened = to.open(sealed, plain);
        if (!opened.ok() && failure.empty()) failure = opened.error().detail;
    }
    static Outcome shake_hands(TlsFilter& client, TlsFilter& server) {
        Outcome outcome;
        std::string nothing;
        EXPECT_TRUE(client.open({}, nothing).ok());
        for (int i = 0; i < 5; ++i) {
            if (outcome.server.empty()) move(client, server, outcome.server);
            if (outcome.client.empty()) move(server, client, outcome.client);
        }
        return outcome;
    }
    static SharedKey key(std::string_view secret) { return SharedKey::derive(secret, "members"); }

    static std::filesystem::path make_folder() {
        std::string name = testing::TempDir() + "doozer-tls-XXXXXX";
        EXPECT_NE(::mkdtemp(name.data()), nullptr);
        return name;
    }

    std::filesystem::path folder = make_folder();
    Certificate here{folder, "here", "IP:127.0.0.1,DNS:a.example"};
    TlsServer both = TlsServer::make(here.files, {key("secret")}).value();
    TlsServer keyed = TlsServer::make(std::nullopt, {key("secret")}).value();
    TlsServer certified = TlsServer::make(here.files, {}).value();
    TlsClient trusting = TlsClient::trusting(here.files.certificate).value();
};

TEST_F(TlsTest, AKeyIsTheSameForTheSameSecretAndProtocolOnly) {
    EXPECT_EQ(key("secret").bytes, key("secret").bytes);
    EXPECT_NE(key("secret").bytes, key("Secret").bytes);
    EXPECT_NE(key("secret").bytes, SharedKey::derive("secret", "others").bytes);
}

/// The beginning of a ClientHello: a record of `record` bytes, a message of `message` bytes.
std::string beginning_of_hello(std::size_t record, std::size_t message) {
    std::string text = {tls_first_byte, 3, 1};
    for (std::size_t const part :
         {record >> 8U, record, std::size_t{1}, message >> 16U, message >> 8U, message}) {
        text += static_cast<char>(part & 0xFFU);
    }
    return text;
}

// OpenSSL would allocate 128 KiB for the first nine bytes of each.
TEST_F(TlsTest, ALongHelloIsRefusedByWhatItAnnounces) {
    std::string plain;
    TlsFilter server(certified);
    EXPECT_EQ(server.open(beginning_of_hello(16'384, 131'000), plain).error().detail,
              "TLS: the ClientHello is too long");
    TlsFilter crumbs(certified);
    EXPECT_FALSE(crumbs.open(beginning_of_hello(1, 200), plain).ok());
    TlsFilter longest(certified);
    EXPECT_TRUE(longest.open(beginning_of_hello(16'384, TlsFilter::hello_bytes_max), plain).ok());
    EXPECT_EQ(longest.charge(), TlsFilter::handshake_bytes);
}

TEST_F(TlsTest, AHelloMayArriveByteByByte) {
    TlsFilter client(trusting, "127.0.0.1");
    TlsFilter server(certified);
    std::string sealed;
    std::string plain;
    EXPECT_TRUE(client.open({}, plain).ok());
    client.take_sealed(sealed);
    for (char const c : sealed) EXPECT_TRUE(server.open({&c, 1}, plain).ok());
    Outcome outcome;
    for (int i = 0; i < 5; ++i) {
        move(server, client, outcome.client);
        move(client, server, outcome.server);
    }
    EXPECT_EQ(outcome.client + outcome.server, "");
    EXPECT_TRUE(server.handshake_done());
    EXPECT_EQ(server.charge(), TlsFilter::fixed_bytes);
}

TEST_F(TlsTest, TwoWhoShareAKeyNeedNoCertificate) {
    for (TlsServer const* shown : {&both, &keyed}) {
        TlsFilter client(TlsClient::holding(key("secret")), "");
        TlsFilter server(*shown);
        Outcome const outcome = shake_hands(client, server);
        EXPECT_EQ(outcome.client + outcome.server, "");
        EXPECT_TRUE(client.shares_key());
        EXPECT_TRUE(server.shares_key());
        client.seal("hello");
        std::string sealed;
        client.take_sealed(sealed);
        EXPECT_THAT(sealed, testing::Not(HasSubstr("hello")));
        std::string plain;
        EXPECT_TRUE(server.open(sealed, plain).ok());
        EXPECT_EQ(plain, "hello");
    }
}

TEST_F(TlsTest, AnotherKeyIsRefusedAlsoWhereThereIsACertificate) {
    for (TlsServer const* shown : {&both, &keyed}) {
        TlsFilter client(TlsClient::holding(key("Secret")), "");
        TlsFilter server(*shown);
        Outcome const outcome = shake_hands(client, server);
        EXPECT_EQ(outcome.client, "TLS: the secrets differ");
        EXPECT_EQ(outcome.server, "TLS: the secrets differ");
        EXPECT_FALSE(client.handshake_done());
        EXPECT_FALSE(server.handshake_done());
    }
}

TEST_F(TlsTest, AServerWithTwoKeysTakesThoseWhoHoldEitherOfThem) {
    TlsServer const two = TlsServer::make(here.files, {key("new"), key("secret")}).value();
    for (char const* secret : {"new", "secret"}) {
        TlsFilter client(TlsClient::holding(key(secret)), "");
        TlsFilter server(two);
        Outcome const outcome = shake_hands(client, server);
        EXPECT_EQ(outcome.client + outcome.server, "") << secret;
        EXPECT_TRUE(server.shares_key()) << secret;
    }
    TlsFilter stranger(TlsClient::holding(key("neither")), "");
    TlsFilter server(two);
    EXPECT_EQ(shake_hands(stranger, server).server, "TLS: the secrets differ");
}

TEST_F(TlsTest, AClientThatGivesNoHintIsTakenToHoldTheFirstKey) {
    SharedKey old = key("secret");  // as the release before the hints offers it
    old.hint = "members/of-no-meaning";
    TlsServer const two = TlsServer::make(std::nullopt, {key("secret"), key("new")}).value();
    TlsFilter client(TlsClient::holding(old), "");
    TlsFilter server(two);
    Outcome const outcome = shake_hands(client, server);
    EXPECT_EQ(outcome.client + outcome.server, "");
    EXPECT_TRUE(server.shares_key());
}

TEST_F(TlsTest, OtherKeysLeaveTheCertificateAsItIs) {
    TlsServer const changed = both.with_keys({key("new")});
    TlsFilter member(TlsClient::holding(key("new")), "");
    TlsFilter for_member(changed);
    EXPECT_EQ(shake_hands(member, for_member).server, "");
    EXPECT_TRUE(for_member.shares_key());
    TlsFilter before(TlsClient::holding(key("secret")), "");
    TlsFilter for_before(changed);
    EXPECT_EQ(shake_hands(before, for_before).server, "TLS: the secrets differ");
    TlsFilter client(trusting, "127.0.0.1");
    TlsFilter for_client(changed);
    Outcome const outcome = shake_hands(client, for_client);
    EXPECT_EQ(outcome.client + outcome.server, "");
    EXPECT_TRUE(for_client.handshake_done());
}

TEST_F(TlsTest, WhoHasNoKeyRefusesThoseWhoHave) {
    TlsFilter client(TlsClient::holding(key("secret")), "");
    TlsFilter server(certified);
    Outcome const outcome = shake_hands(client, server);
    EXPECT_THAT(outcome.client, HasSubstr("has no secret for it"));
    EXPECT_THAT(outcome.server, HasSubstr("asked for a protocol that is not spoken here"));
}

TEST_F(TlsTest, ClientsWithoutAKeySeeTheCertificate) {
    for (TlsServer const* shown : {&both, &certified}) {
        for (char const* host : {"127.0.0.1", "a.example"}) {
            TlsFilter client(trusting, host);
            TlsFilter server(*shown);
            Outcome const outcome = shake_hands(client, server);
            EXPECT_EQ(outcome.client + outcome.server, "");
            EXPECT_TRUE(client.handshake_done());
            EXPECT_TRUE(server.handshake_done());
            EXPECT_FALSE(client.shares_key());
            EXPECT_FALSE(server.shares_key());
        }
    }
    TlsFilter client(trusting, "127.0.0.1");
    TlsFilter server(keyed);
    EXPECT_THAT(shake_hands(client, server).server, HasSubstr("there is no certificate to show"));
}

TEST_F(TlsTest, ACertificateMustBeTrustedAndForTheHost) {
    struct Case {
        TlsClient client;
        char const* host;
        char const* why;
    };
    Certificate const other(folder, "other", "IP:127.0.0.1");
    for (Case const& c :
         {Case{trusting, "127.0.0.2", "TLS: the server's certificate is for another host"},
          Case{trusting, "b.example", "TLS: the server's certificate is for another host"},
          Case{TlsClient::trusting(other.files.certificate).value(), "127.0.0.1",
               "TLS: the server's certificate is not trusted: "},
          Case{TlsClient::trusting("").value(), "127.0.0.1",
               "TLS: the server's certificate is not trusted: "}}) {
        TlsFilter client(c.client, c.host);
        TlsFilter server(certified);
        EXPECT_THAT(shake_hands(client, server).client, testing::StartsWith(c.why));
        EXPECT_FALSE(client.handshake_done());
    }
}

TEST_F(TlsTest, FilesThatAreNoneAreNamed) {
    EXPECT_THAT(TlsClient::trusting("/nope.pem").error().detail, HasSubstr("/nope.pem"));
    EXPECT_THAT(TlsClient::trusting(here.files.key).error().detail, HasSubstr("here.key"));
    EXPECT_THAT(TlsServer::make(TlsServer::Files{"/nope.pem", "x"}, {}).error().detail,
                HasSubstr("/nope.pem"));
}

/// A client that is not ours.
class Forger {
  public:
    Forger(std::string_view protocol, bool with_key, SSL_SESSION* ticket = nullptr)
        : context_(::SSL_CTX_new(::TLS_client_method()), ::SSL_CTX_free),
          ssl_(::SSL_new(context_.get()), ::SSL_free) {
        ::SSL_set_bio(ssl_.get(), ::BIO_new(::BIO_s_mem()), ::BIO_new(::BIO_s_mem()));
        ::SSL_set_connect_state(ssl_.get());
        if (!protocol.empty()) {
            std::string const list = static_cast<char>(protocol.size()) + std::string(protocol);
            ::SSL_set_alpn_protos(ssl_.get(), reinterpret_cast<unsigned char const*>(list.data()),
                                  static_cast<unsigned>(list.size()));
        }
        if (with_key) ::SSL_set_psk_use_session_callback(ssl_.get(), use_key);
        if (ticket != nullptr) ::SSL_set_session(ssl_.get(), ticket);
    }
    /// Whether both sides think that they are through.
    bool gets_through(TlsFilter& server) {
        for (int i = 0; i < 5; ++i) {
            char byte = 0;
            (void)::SSL_read(ssl_.get(), &byte, 1);
            std::string sent(::BIO_ctrl_pending(::SSL_get_wbio(ssl_.get())), '\0');
            if (!sent.empty()) {
                ::BIO_read(::SSL_get_wbio(ssl_.get()), sent.data(), static_cast<int>(sent.size()));
            }
            std::string plain;
            if (!server.open(sent, plain).ok()) return false;
            sent.clear();
            server.take_sealed(sent);
            if (!sent.empty()) {
                ::BIO_write(::SSL_get_rbio(ssl_.get()), sent.data(), static_cast<int>(sent.size()));
            }
        }
        return server.handshake_done() && ::SSL_is_init_finished(ssl_.get()) == 1;
    }
    [[nodiscard]] SSL_SESSION* session() const { return ::SSL_get1_session(ssl_.get()); }

  private:
    static int use_key(SSL* ssl, EVP_MD const*, unsigned char const** identity, std::size_t* size,
                       SSL_SESSION** session) {
        static std::string_view constexpr name = "members";
        static SharedKey const shared = SharedKey::derive("secret", "members");
        std::array<unsigned char, 2> const suite{0x13, 0x01};
        *session = ::SSL_SESSION_new();
        ::SSL_SESSION_set1_master_key(*session, shared.bytes.data(), shared.bytes.size());
        ::SSL_SESSION_set_cipher(*session, ::SSL_CIPHER_find(ssl, suite.data()));
        ::SSL_SESSION_set_protocol_version(*session, TLS1_3_VERSION);
        *identity = reinterpret_cast<unsigned char const*>(name.data());
        *size = name.size();
        return 1;
    }
    std::unique_ptr<SSL_CTX, decltype(&::SSL_CTX_free)> context_;
    std::unique_ptr<SSL, decltype(&::SSL_free)> ssl_;
};

TEST_F(TlsTest, TheKeyAndItsProtocolGoTogether) {
    TlsFilter right(both);
    EXPECT_TRUE(Forger("members", true).gets_through(right));
    EXPECT_TRUE(right.shares_key());

    TlsFilter no_key(both);
    EXPECT_FALSE(Forger("members", false).gets_through(no_key)) << "no fall-back to certificates";

    // The certificate is what such a client sees; the key that it holds makes it nothing more.
    for (char const* protocol : {"", "doozer"}) {
        TlsFilter no_protocol(both);
        EXPECT_TRUE(Forger(protocol, true).gets_through(no_protocol));
        EXPECT_FALSE(no_protocol.shares_key());
    }
    TlsFilter another(both);
    EXPECT_FALSE(Forger("h2", true).gets_through(another));
    // As curl and browsers come to the web view.
    TlsServer const web = TlsServer::make(here.files, {}, "http/1.1").value();
    for (char const* protocol : {"", "http/1.1"}) {
        TlsFilter browser(web);
        EXPECT_TRUE(Forger(protocol, false).gets_through(browser));
    }
    for (char const* protocol : {"h2", "doozer", "members"}) {
        TlsFilter none(web);
        EXPECT_FALSE(Forger(protocol, true).gets_through(none));
    }
    TlsFilter nothing_to_see(keyed);
    EXPECT_FALSE(Forger("", true).gets_through(nothing_to_see));
}

TEST_F(TlsTest, ATicketOfAClientsSessionOpensNoMemberLink) {
    TlsFilter first(both);
    Forger client("", false);
    ASSERT_TRUE(client.gets_through(first));
    SSL_SESSION* const ticket = client.session();
    ASSERT_NE(ticket, nullptr);
    TlsFilter again(both);
    Forger resuming("", false, ticket);
    EXPECT_TRUE(resuming.gets_through(again));
    TlsFilter second(both);
    EXPECT_FALSE(Forger("members", false, ticket).gets_through(second));
    EXPECT_FALSE(second.shares_key());
    ::SSL_SESSION_free(ticket);
}

}  // namespace
}  // namespace doozer::net
