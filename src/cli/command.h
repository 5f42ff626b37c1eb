// What a command is, and what it is given.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <variant>

#include "cli/global_options.h"
#include "cli/outcome.h"
#include "doozer/client.h"
#include "doozer/durable.h"

namespace doozer::cli {

/// A client that writes as -durable says.
class Writer {
  public:
    explicit Writer(Client client) : client_(std::move(client)) {}
    explicit Writer(DurableClient client) : client_(std::move(client)) {}

    Result<File> get(std::string_view path) {
        return std::visit([&](auto& client) { return client.get(path); }, client_);
    }
    Result<Revision> set(std::string_view path, std::string_view value, Revision condition) {
        return std::visit([&](auto& client) { return client.set(path, value, condition); },
                          client_);
    }
    Result<Done> del(std::string_view path, Revision condition) {
        return std::visit([&](auto& client) { return client.del(path, condition); }, client_);
    }

  private:
    std::variant<Client, DurableClient> client_;
};

/// One run of a command.
struct Invocation {
    GlobalOptions const& options;
    std::span<std::string_view const> arguments;  ///< as many as the command takes
    std::FILE* in;
    std::FILE* out;

    /// When the command must be over, as -t says.
    std::optional<std::chrono::steady_clock::time_point> deadline = options.deadline_from_now();

    /// Connects to the cluster that the options name.
    [[nodiscard]] Result<Client> connect() const;

    /// Connects to a process that the options name, and to no other member of its cluster.
    [[nodiscard]] Result<Client> connect_to_process() const;

    /// The same for a command that writes: with -durable, writes wait for that doozerp.
    [[nodiscard]] Result<Writer> connect_to_write() const;

  private:
    void connect_as(Options& connection) const;
};

struct Command {
    std::string_view name;
    std::string_view parameters;  ///< "<path> <rev>": as many as it takes, each in angle brackets
    std::string_view summary;     ///< a few words, for the list of commands
    std::string_view details;     ///< paragraphs, for the help of the command
    Outcome (*run)(Invocation const&);
    AddFlags add_flags = nullptr;  ///< options of its own

    [[nodiscard]] std::size_t parameter_count() const;
};

}  // namespace doozer::cli
