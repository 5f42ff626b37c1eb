// The options of doozerp.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/limits.h"
#include "base/result.h"

namespace doozer::journal {

extern std::string_view const doozerp_usage;

struct DoozerpOptions {
    std::string uri = "doozer:?ca=127.0.0.1:8046";
    std::string boot_uri = {};
    std::string tls_authority_file = {};  ///< empty: what the system trusts
    std::string journal = "journal";
    bool restore = false;
    bool repair = false;
    bool print = false;
    bool force = false;
    bool mirrors = true;
    std::int64_t instance = 0;
    std::int64_t slack = base::journal_slack_bytes_default;
    std::string metrics_file = {};
    bool help = false;
    bool version = false;
    std::string ignored = {};  ///< a word that is no flag, if one was given
};

/// Reads all words; what they do not say is as DOOZER_URI, DOOZER_BOOT_URI and DOOZER_TLSCA say, or
/// the default.
/// Error: as base::Flags::parse(), in one line.
base::Result<DoozerpOptions> parse_doozerp_options(std::span<std::string_view const> words);

}  // namespace doozer::journal
