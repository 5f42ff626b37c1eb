// What doozerd is told on its command line and in its environment. Source: doozerd(8).
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/limits.h"
#include "base/result.h"
#include "base/time.h"
#include "net/address.h"
#include "server/secrets.h"

namespace doozer::server {

using namespace base;

struct Options {
    net::Address listen{"127.0.0.1", 8046};
    std::optional<net::Address> advertise;  ///< by which others know this process, if not `listen`
    std::vector<net::Address> attach;       ///< members of the cluster to join
    std::string
        boot_uri;  ///< of the DzNS, where the cluster is looked up by its name; may be empty
    std::string restore_file;  ///< a journal to found the cluster from; may be empty
    std::string cluster_name = "local";
    SecretFiles secret_files;
    Secrets secrets;                 ///< as they were read at the start
    bool insecure_members = false;   ///< without a secret, not on one machine only
    std::string tls_authority_file;  ///< what to trust when connecting; empty = the system's store
    std::string tls_certificate_file;  ///< both or neither
    std::string tls_key_file;
    Duration pulse = seconds(1);
    Duration fill = milliseconds(100);
    Duration timeout = seconds(60);
    std::int64_t history_revisions = history_revisions_default;
    std::size_t history_bytes = history_bytes_default;
    std::size_t value_bytes_max = value_bytes_default;
    std::size_t memory_bytes = memory_bytes_default;
    std::optional<net::Address> web;  ///< where the web view listens, if there is to be one
    bool web_is_optional = true;      ///< goes on without if it cannot listen there
    bool web_write = false;           ///< files may be written by way of the web view
    bool show_help = false;
    bool show_version = false;
    std::vector<std::string> warnings;  ///< for the log: what was given, and may not be meant

    /// Whether this process takes no part in a cluster of several. Clients need a secret here; a
    /// link of members that needs none would be a way around it, also over loopback, where every
    /// user of the machine and everything that is forwarded to a port comes from.
    [[nodiscard]] bool links_are_closed() const {
        bool const clients_need_one = !secrets.read_write.empty() || !secrets.read_only.empty();
        return clients_need_one && secrets.cluster.empty() && !insecure_members;
    }
};

/// `words` without the program's name. Error (other): one line that says what is wrong.
Result<Options> parse_options(std::span<std::string_view const> words, Environment const& env);

/// What -h prints.
std::string_view usage();

}  // namespace doozer::server
