#include "cli/command.h"

#include <algorithm>

#include "base/result.h"

namespace doozer::cli {

namespace {

void connect_as(GlobalOptions const& said, Options& connection) {
    connection.boot_uri = said.boot_uri;
    connection.tls_authority_file = said.tls_authority_file;
}

}  // namespace

Result<Client> Invocation::connect(std::optional<std::chrono::milliseconds> request_timeout) const {
    Options connection;
    connect_as(options, connection);
    connection.request_timeout = request_timeout;
    return Client::connect(options.uri, connection);
}

Result<Client> Invocation::connect_to_process() const {
    Options connection;
    connect_as(options, connection);
    connection.request_timeout = options.timeout();
    connection.learn_addresses = false;
    return Client::connect(options.uri, connection);
}

Result<Writer> Invocation::connect_to_write() const {
    if (options.durable == 0) {
        DOOZER_TRY(Client client, connect());
        return Writer(std::move(client));
    }
    DurableOptions connection;
    connect_as(options, connection);
    connection.instance = options.durable;
    if (auto const timeout = options.timeout()) connection.acknowledgement_timeout = *timeout;
    DOOZER_TRY(DurableClient client, DurableClient::connect(options.uri, connection));
    return Writer(std::move(client));
}

std::size_t Command::parameter_count() const {
    return static_cast<std::size_t>(std::count(parameters.begin(), parameters.end(), '<'));
}

}  // namespace doozer::cli
