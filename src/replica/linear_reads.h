// Linear reads, which must see every write that was answered anywhere before them. They are kept
// here while the core asks the voters what they have seen. Source: docs/consensus.md, Linear reads.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>

#include "base/client_message.h"
#include "base/time.h"
#include "replica/sessions.h"

namespace doozer::replica {

class LinearReads {
  public:
    using Token = std::uint64_t;

    explicit LinearReads(Sessions& sessions) : sessions_(sessions) {}

    /// Keeps the request until take() gives it back.
    Token keep(Instant now, SessionId session, Request const& request);
    struct Kept {
        SessionId session;
        Request request;  ///< without `linear`; see asked_again()
        std::optional<std::string> path;
        std::optional<std::string> after;
        Instant asked;

        /// The request as it came, but for `linear`. Its views point into this.
        [[nodiscard]] Request asked_again() const;
    };
    /// Gives the request back, unless its session is gone.
    std::optional<Kept> take(Token token);
    /// Gives back the first request that is left, if any.
    std::optional<Kept> take_first();
    void closed(SessionId session);

    [[nodiscard]] std::size_t kept_bytes(SessionId session) const;
    [[nodiscard]] std::size_t kept_bytes() const { return bytes_; }

  private:
    Sessions& sessions_;
    std::map<Token, Kept> kept_;
    std::unordered_map<SessionId, std::size_t> bytes_of_;
    std::size_t bytes_ = 0;
    Token next_ = 1;
};

}  // namespace doozer::replica
