#include "net/tls.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <cstring>
#include <utility>

#include "base/assert.h"

namespace doozer::net {
namespace {

using ContextPtr = std::shared_ptr<SSL_CTX>;

/// What OpenSSL's words for it do not tell those who see them in a log.
char const* plain_words(unsigned long code, bool with_key) {
    switch (ERR_GET_REASON(code)) {
        case SSL_R_BINDER_DOES_NOT_VERIFY:
        case SSL_R_TLSV1_ALERT_DECRYPT_ERROR:
        case SSL_R_SSLV3_ALERT_ILLEGAL_PARAMETER:
            return with_key ? "the secrets differ" : nullptr;
        case SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL:
            return "the other side does not speak this protocol, or has no secret for it";
        case SSL_R_WRONG_VERSION_NUMBER:
        case SSL_R_HTTP_REQUEST:
            return "the other side speaks no TLS";
        case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
            return "the other side does not trust the certificate";
        default:
            return nullptr;
    }
}

std::string reason_of_failure(bool with_key = false) {
    unsigned long const code = ::ERR_peek_error();  // the first is the cause of the others
    char const* reason = plain_words(code, with_key);
    if (ERR_SYSTEM_ERROR(code)) reason = std::strerror(ERR_GET_REASON(code));
    if (reason == nullptr) reason = ::ERR_reason_error_string(code);
    ::ERR_clear_error();
    return reason != nullptr ? reason : "unknown reason";
}

base::Error failed_with(std::string const& what) {
    return {base::Errc::other, what + ": " + reason_of_failure()};
}

ContextPtr new_context(SSL_METHOD const* method) {
    ContextPtr context(::SSL_CTX_new(method), ::SSL_CTX_free);
    DOOZER_ASSERT(context != nullptr);
    ::SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
    // For TLS 1.2, only suites that authenticate what they encrypt, and forget the key: those with
    // CBC have leaked what they protect more than once.
    bool const chosen =
        ::SSL_CTX_set_cipher_list(context.get(), "ECDHE+AESGCM:ECDHE+CHACHA20") == 1;
    DOOZER_ASSERT(chosen);
    ::SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF);
    // Idle clients are many: their connections keep no buffers.
    ::SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS);
    return context;
}

/// As ALPN has it: its length, then the name.
std::string listed(std::string_view protocol) {
    return static_cast<char>(protocol.size()) + std::string(protocol);
}

/// The one suite whose hash is that of the key.
constexpr char const* shared_key_suite = "TLS_AES_128_GCM_SHA256";
constexpr std::array<unsigned char, 2> shared_key_suite_number{0x13, 0x01};

SSL_SESSION* new_session(SSL* ssl, SharedKey const& key) {
    SSL_SESSION* const session = ::SSL_SESSION_new();
    SSL_CIPHER const* const suite = ::SSL_CIPHER_find(ssl, shared_key_suite_number.data());
    DOOZER_ASSERT(session != nullptr && suite != nullptr);
    bool const made =
        ::SSL_SESSION_set1_master_key(session, key.bytes.data(), key.bytes.size()) == 1 &&
        ::SSL_SESSION_set_cipher(session, suite) == 1 &&
        ::SSL_SESSION_set_protocol_version(session, TLS1_3_VERSION) == 1;
    DOOZER_ASSERT(made);
    return session;
}

/// Whether the list of an ALPN extension (lengths and names) has the protocol.
bool has_protocol(std::string_view list, std::string_view protocol) {
    while (!list.empty()) {
        auto const size = static_cast<unsigned char>(list.front());
        list.remove_prefix(1);
        if (list.substr(0, size) == protocol) return true;
        list.remove_prefix(std::min<std::size_t>(size, list.size()));
    }
    return false;
}

/// The list of protocols that the client offers; empty without one.
std::string_view offered_protocols(SSL* ssl) {
    unsigned char const* data = nullptr;
    std::size_t size = 0;
    if (::SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_application_layer_protocol_negotiation, &data,
                                    &size) != 1 ||
        size < 2) {
        return {};
    }
    return {reinterpret_cast<char const*>(data) + 2, size - 2};
}

/// The key that the client says it holds: the one of its hint, or else the first. Null: it asks for
/// the protocol of none.
SharedKey const* key_for(std::vector<SharedKey> const& keys, std::string_view offered) {
    if (keys.empty() || !has_protocol(offered, keys.front().protocol)) return nullptr;
    for (SharedKey const& key : keys) {
        if (has_protocol(offered, key.hint)) return &key;
    }
    return &keys.front();
}

/// HKDF-SHA256 of the secret.
std::array<unsigned char, 32> derived_from(std::string_view secret, std::string label) {
    std::string input(secret);
    std::string hash = "SHA256";
    std::array<OSSL_PARAM, 4> const parameters{
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, hash.data(), hash.size()),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, input.data(), input.size()),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, label.data(), label.size()),
        OSSL_PARAM_construct_end()};
    EVP_KDF* const kdf = ::EVP_KDF_fetch(nullptr, "HKDF", nullptr);
    EVP_KDF_CTX* const context = ::EVP_KDF_CTX_new(kdf);
    ::EVP_KDF_free(kdf);
    DOOZER_ASSERT(context != nullptr);
    std::array<unsigned char, 32> bytes{};
    bool const derived =
        ::EVP_KDF_derive(context, bytes.data(), bytes.size(), parameters.data()) == 1;
    ::EVP_KDF_CTX_free(context);
    DOOZER_ASSERT(derived);
    return bytes;
}

bool is_ip_address(std::string const& host) {
    ASN1_OCTET_STRING* const address = ::a2i_IPADDRESS(host.c_str());
    ::ASN1_OCTET_STRING_free(address);
    return address != nullptr;
}

}  // namespace

struct TlsServer::Shown {
    ContextPtr context = new_context(::TLS_server_method());
    bool certificate = false;
    std::string protocol = {};  // of those who are shown it
    std::vector<SharedKey> keys = {};
};

struct TlsClient::Wanted {
    ContextPtr context = new_context(::TLS_client_method());
    std::optional<SharedKey> key = {};
};

/// What OpenSSL asks in the course of a handshake.
struct TlsCallbacks {
    static TlsFilter::State& state_of(SSL* ssl) {
        return *static_cast<TlsFilter::State*>(SSL_get_app_data(ssl));
    }

    static int refuse(SSL* ssl, char const* why) {
        state_of(ssl).refused = why;
        return SSL_CLIENT_HELLO_ERROR;
    }

    /// The protocol decides what is shown. Where it is that of the key, nothing but the key counts:
    /// there is no certificate to fall back to, and no ticket of a session that was begun with one.
    static int on_client_hello(SSL* ssl, int* alert, void* context) {
        auto const& shown = *static_cast<TlsServer::Shown const*>(context);
        if (SharedKey const* const key = key_for(shown.keys, offered_protocols(ssl))) {
            state_of(ssl).key = key;
            ::SSL_certs_clear(ssl);
            ::SSL_set_min_proto_version(ssl, TLS1_3_VERSION);
            ::SSL_set_options(ssl, SSL_OP_NO_TICKET);
            ::SSL_set_num_tickets(ssl, 0);
            ::SSL_set_ciphersuites(ssl, shared_key_suite);
            ::SSL_set_psk_find_session_callback(ssl, find_session);
            return SSL_CLIENT_HELLO_SUCCESS;
        }
        if (shown.certificate) return SSL_CLIENT_HELLO_SUCCESS;
        *alert = SSL_AD_NO_APPLICATION_PROTOCOL;
        return refuse(ssl, "there is no certificate to show");
    }

    static int on_protocols(SSL* ssl, unsigned char const** chosen, unsigned char* chosen_size,
                            unsigned char const* list, unsigned int list_size, void* context) {
        auto const& shown = *static_cast<TlsServer::Shown const*>(context);
        SharedKey const* const key = state_of(ssl).key;
        std::string const& protocol = key != nullptr ? key->protocol : shown.protocol;
        if (!has_protocol({reinterpret_cast<char const*>(list), list_size}, protocol)) {
            state_of(ssl).refused = "asked for a protocol that is not spoken here";
            return SSL_TLSEXT_ERR_ALERT_FATAL;
        }
        *chosen = reinterpret_cast<unsigned char const*>(protocol.data());
        *chosen_size = static_cast<unsigned char>(protocol.size());
        return SSL_TLSEXT_ERR_OK;
    }

    /// The server's side: 0 ends the handshake, so nobody gets on with another identity.
    static int find_session(SSL* ssl, unsigned char const* identity, std::size_t size,
                            SSL_SESSION** session) {
        SharedKey const* const key = state_of(ssl).key;
        std::string_view const named(reinterpret_cast<char const*>(identity), size);
        if (key == nullptr || named != key->protocol) return 0;
        *session = new_session(ssl, *key);
        return 1;
    }

    /// The client's side.
    static int use_session(SSL* ssl, EVP_MD const* hash, unsigned char const** identity,
                           std::size_t* size, SSL_SESSION** session) {
        SharedKey const* const key = state_of(ssl).key;
        if (key == nullptr || (hash != nullptr && EVP_MD_get_type(hash) != NID_sha256)) return 0;
        *identity = reinterpret_cast<unsigned char const*>(key->protocol.data());
        *size = key->protocol.size();
        *session = new_session(ssl, *key);
        return 1;
    }
};

SharedKey SharedKey::derive(std::string_view secret, std::string protocol) {
    DOOZER_ASSERT(!secret.empty());
    SharedKey key;
    key.protocol = std::move(protocol);
    key.bytes = derived_from(secret, "doozer shared key, " + key.protocol);
    auto const told = derived_from(secret, "doozer shared key hint, " + key.protocol);
    key.hint = key.protocol + "/";
    constexpr std::size_t hint_bytes = 8;
    for (std::size_t i = 0; i < hint_bytes; ++i) {
        key.hint += "0123456789abcdef"[told[i] >> 4U];
        key.hint += "0123456789abcdef"[told[i] & 15U];
    }
    return key;
}

base::Result<TlsServer> TlsServer::make(std::optional<Files> const& files,
                                        std::vector<SharedKey> keys, std::string_view protocol) {
    DOOZER_ASSERT(files || !keys.empty());
    auto const shown = std::make_shared<Shown>();
    SSL_CTX* const context = shown->context.get();
    if (files) {
        if (::SSL_CTX_use_certificate_chain_file(context, files->certificate.c_str()) != 1) {
            return failed_with("certificate " + files->certificate);
        }
        if (::SSL_CTX_use_PrivateKey_file(context, files->key.c_str(), SSL_FILETYPE_PEM) != 1) {
            return failed_with("key " + files->key);
        }
        if (::SSL_CTX_check_private_key(context) != 1) {
            return failed_with("key " + files->key + " does not belong to certificate " +
                               files->certificate);
        }
    }
    shown->certificate = files.has_value();
    shown->protocol = protocol;
    shown->keys = std::move(keys);
    return showing(shown);
}

TlsServer TlsServer::showing(std::shared_ptr<Shown> shown) {
    SSL_CTX* const context = shown->context.get();
    ::SSL_CTX_set_client_hello_cb(context, TlsCallbacks::on_client_hello, shown.get());
    ::SSL_CTX_set_alpn_select_cb(context, TlsCallbacks::on_protocols, shown.get());
    return TlsServer(std::move(shown));
}

TlsServer TlsServer::with_keys(std::vector<SharedKey> keys) const {
    DOOZER_ASSERT(shown_->certificate || !keys.empty());
    auto const shown = std::make_shared<Shown>();
    SSL_CTX* const before = shown_->context.get();
    SSL_CTX* const context = shown->context.get();
    if (shown_->certificate) {
        STACK_OF(X509)* chain = nullptr;
        bool const taken =
            ::SSL_CTX_use_certificate(context, ::SSL_CTX_get0_certificate(before)) == 1 &&
            ::SSL_CTX_use_PrivateKey(context, ::SSL_CTX_get0_privatekey(before)) == 1 &&
            SSL_CTX_get0_chain_certs(before, &chain) == 1 &&
            SSL_CTX_set1_chain(context, chain) == 1;
        DOOZER_ASSERT(taken);  // they were good before
    }
    shown->certificate = shown_->certificate;
    shown->protocol = shown_->protocol;
    shown->keys = std::move(keys);
    return showing(shown);
}

bool TlsServer::has_certificate() const {
    return shown_->certificate;
}

base::Result<TlsClient> TlsClient::trusting(std::string const& authority_file) {
    auto const wanted = std::make_shared<Wanted>();
    SSL_CTX* const context = wanted->context.get();
    bool const loaded = authority_file.empty()
                            ? ::SSL_CTX_set_default_verify_paths(context) == 1
                            : ::SSL_CTX_load_verify_file(context, authority_file.c_str()) == 1;
    if (!loaded) {
        return failed_with(authority_file.empty() ? "the system's certificates"
                                                  : "certificates " + authority_file);
    }
    ::ERR_clear_error();
    ::SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
    return TlsClient(wanted);
}

TlsClient TlsClient::holding(SharedKey key) {
    auto const wanted = std::make_shared<Wanted>();
    SSL_CTX* const context = wanted->context.get();
    wanted->key = std::move(key);
    ::SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
    ::SSL_CTX_set_ciphersuites(context, shared_key_suite);
    ::SSL_CTX_set_psk_use_session_callback(context, TlsCallbacks::use_session);
    // No certificate is trusted: who has no key cannot show one instead.
    ::SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
    return TlsClient(wanted);
}

TlsFilter::TlsFilter(ssl_ctx_st* context, std::shared_ptr<void const> kept, bool awaits_hello)
    : kept_(std::move(kept)), ssl_(::SSL_new(context)), awaits_hello_(awaits_hello) {
    DOOZER_ASSERT(ssl_ != nullptr);
    ::SSL_set_bio(ssl_, ::BIO_new(::BIO_s_mem()), ::BIO_new(::BIO_s_mem()));
    SSL_set_app_data(ssl_, &state_);
}

TlsFilter::TlsFilter(TlsServer const& server)
    : TlsFilter(server.shown_->context.get(), server.shown_, true) {
    ::SSL_set_accept_state(ssl_);
}

TlsFilter::TlsFilter(TlsClient const& client, std::string const& host)
    : TlsFilter(client.wanted_->context.get(), client.wanted_, false) {
    ::SSL_set_connect_state(ssl_);
    std::string_view protocol = client_protocol;
    if (client.wanted_->key) {
        state_.key = &*client.wanted_->key;
        protocol = state_.key->protocol;
    } else if (is_ip_address(host)) {
        ::X509_VERIFY_PARAM_set1_ip_asc(::SSL_get0_param(ssl_), host.c_str());
    } else {
        ::SSL_set_hostflags(ssl_, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
        ::SSL_set1_host(ssl_, host.c_str());
        SSL_set_tlsext_host_name(ssl_, host.c_str());
    }
    std::string list = listed(protocol);
    if (state_.key != nullptr) list += listed(state_.key->hint);
    bool const taken =
        ::SSL_set_alpn_protos(ssl_, reinterpret_cast<unsigned char const*>(list.data()),
                              static_cast<unsigned int>(list.size())) == 0;
    DOOZER_ASSERT(taken);
}

TlsFilter::~TlsFilter() {
    ::SSL_free(ssl_);
}

base::Error TlsFilter::failed() const {
    bool const with_key = state_.key != nullptr;
    std::string why = reason_of_failure(with_key);
    long const verified = with_key ? X509_V_OK : ::SSL_get_verify_result(ssl_);
    if (state_.refused != nullptr) {
        why = state_.refused;
    } else if (verified == X509_V_ERR_HOSTNAME_MISMATCH ||
               verified == X509_V_ERR_IP_ADDRESS_MISMATCH) {
        why = "the server's certificate is for another host";
    } else if (verified != X509_V_OK) {
        why = std::string("the server's certificate is not trusted: ") +
              ::X509_verify_cert_error_string(verified);
    }
    return {base::Errc::other, "TLS: " + why};
}

/// True when it is done, and each side has proved what it had to.
base::Result<bool> TlsFilter::shake_hands() {
    if (state_.done) return true;
    int const result = ::SSL_do_handshake(ssl_);
    if (result != 1) {
        if (::SSL_get_error(ssl_, result) == SSL_ERROR_WANT_READ) return false;
        return failed();
    }
    unsigned char const* name = nullptr;
    unsigned int size = 0;
    ::SSL_get0_alpn_selected(ssl_, &name, &size);
    std::string_view const protocol(reinterpret_cast<char const*>(name), size);
    // Where an external key was used the session counts as resumed.
    if (state_.key != nullptr &&
        (::SSL_session_reused(ssl_) != 1 || protocol != state_.key->protocol)) {
        return base::Error{base::Errc::other, "TLS: the other side did not prove the secret"};
    }
    state_.done = true;
    return true;
}

/// Looks at the length that the ClientHello announces. False if more has to arrive for that; then
/// it keeps what there is. Source: RFC 8446, 5.1 and 4.
base::Result<bool> TlsFilter::judge_hello(std::string_view& sealed) {
    constexpr std::size_t record_header = 5;
    constexpr std::size_t message_header = 4;
    hello_.append(sealed);
    if (hello_.size() < record_header + message_header) return false;
    auto const byte = [&](std::size_t i) {
        return static_cast<std::size_t>(static_cast<unsigned char>(hello_[i]));
    };
    std::size_t const record_bytes = byte(3) << 8U | byte(4);
    std::size_t const hello_bytes = byte(6) << 16U | byte(7) << 8U | byte(8);
    if (hello_.front() == tls_first_byte) {  // what is no handshake at all, OpenSSL refuses
        if (record_bytes < message_header) {
            return base::Error{base::Errc::other, "TLS: the ClientHello comes in crumbs"};
        }
        if (hello_bytes > hello_bytes_max) {
            return base::Error{base::Errc::other, "TLS: the ClientHello is too long"};
        }
    }
    awaits_hello_ = false;
    sealed = hello_;
    return true;
}

base::Result<TlsFilter::Opened> TlsFilter::open(std::string_view sealed, std::string& plain) {
    if (awaits_hello_) {
        DOOZER_TRY(bool const judged, judge_hello(sealed));
        if (!judged) return Opened::more;
    }
    if (!sealed.empty()) {
        int const written =
            ::BIO_write(::SSL_get_rbio(ssl_), sealed.data(), static_cast<int>(sealed.size()));
        DOOZER_ASSERT(written == static_cast<int>(sealed.size()));  // memory takes everything
    }
    if (!awaits_hello_ && !hello_.empty()) std::string().swap(hello_);
    std::array<char, 16'384> record;
    ::ERR_clear_error();
    DOOZER_TRY(bool const done, shake_hands());
    if (!done) return Opened::more;
    for (;;) {
        ::ERR_clear_error();
        int const size = ::SSL_read(ssl_, record.data(), static_cast<int>(record.size()));
        if (size > 0) {
            plain.append(record.data(), static_cast<std::size_t>(size));
            continue;
        }
        int const error = ::SSL_get_error(ssl_, size);
        if (error == SSL_ERROR_WANT_READ) return Opened::more;
        if (error == SSL_ERROR_ZERO_RETURN) return Opened::ended;
        return failed();
    }
}

void TlsFilter::seal(std::string_view plain) {
    DOOZER_ASSERT(handshake_done() && !plain.empty());
    ::ERR_clear_error();
    int const written = ::SSL_write(ssl_, plain.data(), static_cast<int>(plain.size()));
    // The peer may have ended its side; memory takes everything else.
    DOOZER_ASSERT(written == static_cast<int>(plain.size()) || written <= 0);
}

void TlsFilter::end() {
    ::ERR_clear_error();
    if (handshake_done()) (void)::SSL_shutdown(ssl_);
}

void TlsFilter::take_sealed(std::string& sealed) {
    BIO* const out = ::SSL_get_wbio(ssl_);
    std::size_t const size = ::BIO_ctrl_pending(out);
    std::size_t const before = sealed.size();
    sealed.resize(before + size);
    if (size == 0) return;
    int const read = ::BIO_read(out, &sealed[before], static_cast<int>(size));
    DOOZER_ASSERT(read == static_cast<int>(size));
}

}  // namespace doozer::net
