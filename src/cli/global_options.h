// The options that every command takes, before the command or behind it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/flags.h"
#include "base/result.h"
#include "base/time.h"
#include "doozer/client.h"

namespace doozer::cli {

/// One line or two for each option, as Go's flag package prints them.
extern std::string_view const option_list;

struct GlobalOptions;
/// Adds the options that only one command has.
using AddFlags = void (*)(base::Flags&, GlobalOptions&);

struct GlobalOptions {
    std::string uri = "doozer:?ca=127.0.0.1:8046";
    std::string boot_uri = {};
    std::string tls_authority_file = {};
    std::int64_t rev = -1;
    base::Duration wait_timeout = {};
    std::int64_t durable = 0;  ///< the doozerp whose acknowledgement writes wait for; 0 is none
    bool linear = false;
    bool help = false;
    bool version = false;
    // Of single commands, see there.
    bool json = false;
    bool begin_anew = false;
    bool others_are_dead = false;
    bool leave_further = false;
    std::string confirmed_name = {};

    /// The defaults, with what DOOZER_URI, DOOZER_BOOT_URI and DOOZER_TLSCA say.
    static GlobalOptions from_environment();

    /// Reads the options at the beginning of `words` and returns how many words they took; what is
    /// given again counts. Error: as base::Flags::parse().
    base::Result<std::size_t> parse(std::span<std::string_view const> words,
                                    AddFlags more = nullptr);

    /// -r; a negative one means not given.
    [[nodiscard]] std::optional<Revision> revision() const;

    /// At which revision -r and -l say that one reads; -r tells it exactly.
    [[nodiscard]] At at() const;

    /// The newest revision of the cluster, with -l that of a majority.
    Result<Revision> newest(Client& client) const {
        return linear ? client.rev(doozer::linear) : client.rev();
    }

    /// -t, rounded up to whole milliseconds; zero and less mean not given.
    [[nodiscard]] std::optional<std::chrono::milliseconds> timeout() const;
    /// When a command that begins now must be over: every command takes some time to connect, so
    /// that is given to it.
    [[nodiscard]] std::optional<std::chrono::steady_clock::time_point> deadline_from_now() const;
};

}  // namespace doozer::cli
