#include "net/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <array>
#include <cstring>

#include "base/assert.h"

namespace doozer::net {
namespace {

base::Error failed(std::string const& what) {
    unsigned long const code = ::ERR_peek_error();  // the first is the cause of the others
    char const* const reason = ERR_SYSTEM_ERROR(code) ? std::strerror(ERR_GET_REASON(code))
                                                      : ::ERR_reason_error_string(code);
    ::ERR_clear_error();
    return {base::Errc::other, what + ": " + (reason != nullptr ? reason : "unknown reason")};
}

}  // namespace

base::Result<TlsIdentity> TlsIdentity::load(std::string const& certificate_file,
                                            std::string const& key_file) {
    std::shared_ptr<SSL_CTX> const context(::SSL_CTX_new(::TLS_server_method()), ::SSL_CTX_free);
    DOOZER_ASSERT(context != nullptr);
    ::SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
    ::SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF);
    // Idle clients are many: their connections keep no buffers.
    ::SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS);
    if (::SSL_CTX_use_certificate_chain_file(context.get(), certificate_file.c_str()) != 1) {
        return failed("certificate " + certificate_file);
    }
    if (::SSL_CTX_use_PrivateKey_file(context.get(), key_file.c_str(), SSL_FILETYPE_PEM) != 1) {
        return failed("key " + key_file);
    }
    if (::SSL_CTX_check_private_key(context.get()) != 1) {
        return failed("key " + key_file + " does not belong to certificate " + certificate_file);
    }
    return TlsIdentity(context);
}

TlsFilter::TlsFilter(TlsIdentity const& identity) : ssl_(::SSL_new(identity.context_.get())) {
    DOOZER_ASSERT(ssl_ != nullptr);
    ::SSL_set_bio(ssl_, ::BIO_new(::BIO_s_mem()), ::BIO_new(::BIO_s_mem()));
    ::SSL_set_accept_state(ssl_);
}

TlsFilter::~TlsFilter() {
    ::SSL_free(ssl_);
}

base::Result<TlsFilter::Opened> TlsFilter::open(std::string_view sealed, std::string& plain) {
    int const written =
        ::BIO_write(::SSL_get_rbio(ssl_), sealed.data(), static_cast<int>(sealed.size()));
    DOOZER_ASSERT(written == static_cast<int>(sealed.size()));  // memory takes everything
    std::array<char, 16'384> record;
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
        return failed("TLS");
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

bool TlsFilter::handshake_done() const {
    return ::SSL_is_init_finished(ssl_) == 1;
}

}  // namespace doozer::net
