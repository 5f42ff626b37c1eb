// The secrets of this process: those by which clients prove what they may do, and those by which
// members know each other. They come from files, which can be read anew, or from the environment,
// which cannot.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace doozer::server {

using namespace base;

/// The value of an environment variable; none if it is not set.
using Environment = std::function<std::optional<std::string>(char const* name)>;

/// Where secrets are read from. An empty name: from the environment.
struct SecretFiles {
    std::string read_write;
    std::string read_only;
    std::string cluster;
};

struct Secrets {
    std::string read_write;            ///< of clients; empty: none is set
    std::string read_only;             ///< of clients; empty: none is set
    std::vector<std::string> cluster;  ///< of members, at most two; the first is offered
};

/// Reads a secret of clients: the one line of a file. `flag` is how the file was given. Error
/// (other): one line that names the file.
Result<std::string> read_client_secret(std::string const& flag, std::string const& file);

/// Reads the cluster secret: a file of one line or two. Error (other): one line that names the
/// file.
Result<std::vector<std::string>> read_cluster_secrets(std::string const& file);

/// Reads all secrets, and appends to `warnings` what an operator may not have meant.
Result<Secrets> read_secrets(SecretFiles const& files, Environment const& env,
                             std::vector<std::string>& warnings);

}  // namespace doozer::server
