// TLS as a filter between a socket and those who use it: sealed bytes on the one side, plain bytes
// on the other, and no socket in here.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

struct ssl_st;
struct ssl_ctx_st;

namespace doozer::net {

/// A certificate with its key: what a server shows its clients.
class TlsIdentity {
  public:
    /// PEM files; the first may hold a chain. Error (other): one line that names the file.
    static base::Result<TlsIdentity> load(std::string const& certificate_file,
                                          std::string const& key_file);

  private:
    friend class TlsFilter;
    explicit TlsIdentity(std::shared_ptr<ssl_ctx_st> context) : context_(std::move(context)) {}
    std::shared_ptr<ssl_ctx_st> context_;
};

/// The server's side of one connection; TLS 1.2 or newer.
class TlsFilter {
  public:
    explicit TlsFilter(TlsIdentity const& identity);
    ~TlsFilter();
    TlsFilter(TlsFilter const&) = delete;
    TlsFilter& operator=(TlsFilter const&) = delete;

    enum class Opened { more, ended };

    /// Takes what came from the socket and appends what it means to `plain`. `ended`: the other
    /// side says that it sends nothing more. Error (other): what came is not TLS, or broken; the
    /// connection cannot go on.
    base::Result<Opened> open(std::string_view sealed, std::string& plain);

    /// Takes all of `plain` for the other side. REQUIRES: handshake_done().
    void seal(std::string_view plain);

    /// Says that nothing more will be sealed.
    void end();

    /// Moves what is to go to the socket behind `sealed`: what seal() took, and what the
    /// handshake has to say.
    void take_sealed(std::string& sealed);

    [[nodiscard]] bool handshake_done() const;

    /// About what an idle connection costs, in bytes.
    static constexpr std::size_t fixed_bytes = 20'480;

  private:
    ssl_st* ssl_;
};

}  // namespace doozer::net
