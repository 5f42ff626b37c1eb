#include "cli/command.h"

#include <algorithm>

#include "base/result.h"

namespace doozer::cli {

Result<Client> Invocation::connect(std::optional<std::chrono::milliseconds> request_timeout) const {
    Options connection;
    connection.boot_uri = options.boot_uri;
    connection.tls_authority_file = options.tls_authority_file;
    connection.request_timeout = request_timeout;
    return Client::connect(options.uri, connection);
}

Result<Writer> Invocation::connect_to_write() const {
    if (options.durable == 0) {
        DOOZER_TRY(Client client, connect());
        return Writer(std::move(client));
    }
    DurableOptions connection;
    connection.boot_uri = options.boot_uri;
    connection.instance = options.durable;
    if (auto const timeout = options.timeout()) connection.acknowledgement_timeout = *timeout;
    DOOZER_TRY(DurableClient client, DurableClient::connect(options.uri, connection));
    return Writer(std::move(client));
}

std::size_t Command::parameter_count() const {
    return static_cast<std::size_t>(std::count(parameters.begin(), parameters.end(), '<'));
}

}  // namespace doozer::cli
