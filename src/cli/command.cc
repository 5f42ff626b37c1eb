#include "cli/command.h"

#include <algorithm>

#include "base/result.h"

namespace doozer::cli {

namespace {

constexpr std::chrono::milliseconds connect_min{1000};

}  // namespace

void Invocation::connect_as(Options& connection) const {
    connection.boot_uri = options.boot_uri;
    connection.tls_authority_file = options.tls_authority_file;
    connection.begin_anew = options.begin_anew;
    connection.deadline = deadline;
    if (!deadline) return;
    auto const left =
        std::chrono::ceil<std::chrono::milliseconds>(*deadline - std::chrono::steady_clock::now());
    // Less would say more of this machine's load than of the server.
    connection.connect_timeout = std::min(connection.connect_timeout, std::max(left, connect_min));
}

Result<Client> Invocation::connect() const {
    Options connection;
    connect_as(connection);
    return Client::connect(options.uri, connection);
}

Result<Client> Invocation::connect_to_process() const {
    Options connection;
    connect_as(connection);
    connection.learn_addresses = false;
    return Client::connect(options.uri, connection);
}

Result<Writer> Invocation::connect_to_write() const {
    if (options.durable == 0) {
        DOOZER_TRY(Client client, connect());
        return Writer(std::move(client));
    }
    DurableOptions connection;
    connect_as(connection);
    connection.instance = options.durable;
    if (auto const timeout = options.timeout()) connection.acknowledgement_timeout = *timeout;
    DOOZER_TRY(DurableClient client, DurableClient::connect(options.uri, connection));
    return Writer(std::move(client));
}

std::size_t Command::parameter_count() const {
    return static_cast<std::size_t>(std::count(parameters.begin(), parameters.end(), '<'));
}

}  // namespace doozer::cli
