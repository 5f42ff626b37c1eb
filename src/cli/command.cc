#include "cli/command.h"

#include <algorithm>

namespace doozer::cli {

Result<Client> Invocation::connect(std::optional<std::chrono::milliseconds> request_timeout) const {
    Options connection;
    connection.boot_uri = options.boot_uri;
    connection.tls_authority_file = options.tls_authority_file;
    connection.request_timeout = request_timeout;
    return Client::connect(options.uri, connection);
}

std::size_t Command::parameter_count() const {
    return static_cast<std::size_t>(std::count(parameters.begin(), parameters.end(), '<'));
}

}  // namespace doozer::cli
