// TLS as a filter between a socket and those who use it: sealed bytes on the one side, plain bytes
// on the other, and no socket in here.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

struct ssl_st;
struct ssl_ctx_st;

namespace doozer::net {

/// What TLS begins with: a record of the handshake. RFC 8446, 5.1.
inline constexpr char tls_first_byte = 0x16;
/// How a connection ends whose other side closes it in the handshake without a word.
inline constexpr std::string_view tls_cut_short = "TLS: the connection was closed in the handshake";

/// What both sides of a connection know and prove to each other in place of certificates, and the
/// protocol (ALPN, RFC 7301) that they speak then and nobody else. TLS 1.3 with an external key:
/// RFC 8446, 4.2.11.
struct SharedKey {
    std::string protocol;
    std::array<unsigned char, 32> bytes{};
    /// Tells a server that takes several keys which of them the client holds: one more name in the
    /// client's list of protocols, which servers that do not know it skip. Derived from the secret
    /// in one direction only.
    std::string hint;

    /// HKDF-SHA256 of the secret with the protocol as its label. REQUIRES: secret is not empty.
    static SharedKey derive(std::string_view secret, std::string protocol);
};

/// The ALPN protocol of clients, who come with a certificate or ask for one.
inline constexpr std::string_view client_protocol = "doozer";

/// What a process shows those who connect to it: a certificate, or that it holds a shared key, or
/// according to the protocol that they ask for one of the two. TLS 1.2 or newer.
class TlsServer {
  public:
    struct Files {
        std::string certificate;  ///< PEM, may hold a chain
        std::string key;          ///< PEM
    };

    /// `protocol` (ALPN) is spoken with those who are shown the certificate. They need not name it,
    /// but if they name others only they are refused (RFC 7301, 3.2), lest what they say to
    /// somebody else means something here.
    /// `keys` are of one protocol. A client that does not say by the hint which key it holds is
    /// taken to hold the first.
    /// REQUIRES: a certificate or a key. Error (other): one line that names the file.
    static base::Result<TlsServer> make(std::optional<Files> const& files,
                                        std::vector<SharedKey> keys,
                                        std::string_view protocol = client_protocol);

    /// The same certificate, if there is one, with other keys.
    /// REQUIRES: a certificate or a key.
    [[nodiscard]] TlsServer with_keys(std::vector<SharedKey> keys) const;

    [[nodiscard]] bool has_certificate() const;

  private:
    friend class TlsFilter;
    friend struct TlsCallbacks;
    struct Shown;
    explicit TlsServer(std::shared_ptr<Shown const> shown) : shown_(std::move(shown)) {}
    static TlsServer showing(std::shared_ptr<Shown> shown);
    std::shared_ptr<Shown const> shown_;
};

/// How a process connects to others, and what it wants to see from them.
class TlsClient {
  public:
    /// Trusts servers whose certificate is signed by one in the file (PEM), or in the system's
    /// store if `authority_file` is empty. Error (other): one line that names the file.
    static base::Result<TlsClient> trusting(std::string const& authority_file);
    /// Trusts those who prove that they hold the key, and no certificate.
    static TlsClient holding(SharedKey key);

  private:
    friend class TlsFilter;
    struct Wanted;
    explicit TlsClient(std::shared_ptr<Wanted const> wanted) : wanted_(std::move(wanted)) {}
    std::shared_ptr<Wanted const> wanted_;
};

/// One side of one connection.
class TlsFilter {
  public:
    explicit TlsFilter(TlsServer const& server);
    /// `host`, a name or an IP address, is whom the certificate must be for; not looked at where a
    /// key is shared.
    TlsFilter(TlsClient const& client, std::string const& host);
    ~TlsFilter();
    TlsFilter(TlsFilter const&) = delete;
    TlsFilter& operator=(TlsFilter const&) = delete;

    enum class Opened { more, ended };

    /// Takes what came from the socket and appends what it means to `plain`; with nothing, begins.
    /// `ended`: the other side says that it sends nothing more. Error (other): what came is not
    /// TLS, or broken, or not from whom it should be; the connection cannot go on.
    base::Result<Opened> open(std::string_view sealed, std::string& plain);

    /// Takes all of `plain` for the other side. REQUIRES: handshake_done().
    void seal(std::string_view plain);

    /// Says that nothing more will be sealed.
    void end();

    /// Moves what is to go to the socket behind `sealed`: what seal() took, and what the
    /// handshake has to say.
    void take_sealed(std::string& sealed);

    /// Whether each side has proved what it had to prove.
    [[nodiscard]] bool handshake_done() const { return state_.done; }
    /// Whether that was the shared key.
    [[nodiscard]] bool shares_key() const { return state_.done && state_.key != nullptr; }

    /// About what a connection costs, in bytes: one that is idle, and one in its handshake.
    static constexpr std::size_t fixed_bytes = 20'480;
    static constexpr std::size_t handshake_bytes = 65'536;
    [[nodiscard]] std::size_t charge() const {
        return handshake_done() ? fixed_bytes : handshake_bytes;
    }

    /// The longest ClientHello that a server takes; those of browsers have about 2 KiB. OpenSSL
    /// allocates what a ClientHello announces, up to 128 KiB, before any of it arrives.
    static constexpr std::size_t hello_bytes_max = 16'384;

  private:
    friend struct TlsCallbacks;
    /// What OpenSSL's callbacks know of the connection that they are called for.
    struct State {
        SharedKey const* key = nullptr;  // the one that must be proved
        char const* refused = nullptr;   // why the handshake was ended, if by a callback
        bool done = false;
    };

    TlsFilter(ssl_ctx_st* context, std::shared_ptr<void const> kept, bool awaits_hello);
    base::Result<bool> shake_hands();
    base::Result<bool> judge_hello(std::string_view& sealed);
    [[nodiscard]] base::Error failed() const;

    std::shared_ptr<void const> kept_;  // what the callbacks use
    ssl_st* ssl_;
    State state_;
    bool awaits_hello_;  // a server that has not seen how long the ClientHello is
    std::string hello_;  // what has arrived of it until then
};

}  // namespace doozer::net
