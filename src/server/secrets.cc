#include "server/secrets.h"

#include <cerrno>
#include <fstream>
#include <system_error>
#include <utility>

#include "base/limits.h"

namespace doozer::server {
namespace {

constexpr std::size_t cluster_secrets_max = 2;

Error refused(std::string text) {
    return {Errc::other, std::move(text)};
}

/// The lines of a small file, without the newlines that end them.
Result<std::vector<std::string>> read_lines(std::string const& source, std::string const& file,
                                            std::size_t bytes_max) {
    std::string content(bytes_max + 1, '\0');
    errno = 0;
    std::ifstream in(file, std::ios::binary);
    if (in) in.read(content.data(), static_cast<std::streamsize>(content.size()));
    if (!in.is_open() || in.bad() || (in.gcount() == 0 && !in.eof())) {
        return refused(source + ": " + std::generic_category().message(errno));
    }
    content.resize(static_cast<std::size_t>(in.gcount()));
    if (content.size() > bytes_max) {
        return refused(source + ": holds more than " + std::to_string(bytes_max) + " bytes");
    }
    if (content.ends_with('\n')) content.pop_back();
    std::vector<std::string> lines;
    for (std::size_t at = 0; at <= content.size();) {
        std::size_t const end = std::min(content.find('\n', at), content.size());
        lines.push_back(content.substr(at, end - at));
        at = end + 1;
    }
    return lines;
}

Result<Done> check_cluster_secret(std::string const& source, std::string const& secret) {
    if (secret.size() >= cluster_secret_bytes_min && secret.size() <= cluster_secret_bytes_max) {
        return Done{};
    }
    return refused(source + ": a cluster secret has 16 to 4096 bytes, not " +
                   std::to_string(secret.size()));
}

/// A variable that is set to nothing counts as not set, but may be a mistake of a script.
std::string from_environment(char const* name, Environment const& env,
                             std::vector<std::string>& warnings) {
    std::optional<std::string> value = env(name);
    if (value && value->empty()) {
        warnings.push_back(std::string(name) +
                           " is set to nothing, which means that it is not set");
    }
    return std::move(value).value_or("");
}

Result<std::string> client_secret(std::string const& flag, std::string const& file,
                                  char const* variable, Environment const& env,
                                  std::vector<std::string>& warnings) {
    if (!file.empty()) return read_client_secret(flag, file);
    return from_environment(variable, env, warnings);
}

}  // namespace

Result<std::string> read_client_secret(std::string const& flag, std::string const& file) {
    std::string const source = flag + " " + file;
    DOOZER_TRY(std::vector<std::string> lines,
               read_lines(source, file, client_secret_bytes_max + 1));
    if (lines.size() != 1 || lines.front().empty() ||
        lines.front().size() > client_secret_bytes_max) {
        return refused(source + ": a secret is one line of 1 to " +
                       std::to_string(client_secret_bytes_max) + " bytes");
    }
    return std::move(lines.front());
}

Result<std::vector<std::string>> read_cluster_secrets(std::string const& file) {
    std::string const source = "-clustersecret " + file;
    DOOZER_TRY(std::vector<std::string> lines,
               read_lines(source, file, cluster_secrets_max * (cluster_secret_bytes_max + 1)));
    if (lines.size() > cluster_secrets_max) {
        return refused(source + ": holds more than two lines");
    }
    for (std::string const& line : lines) {
        DOOZER_TRY([[maybe_unused]] Done const fits, check_cluster_secret(source, line));
    }
    return lines;
}

Result<Secrets> read_secrets(SecretFiles const& files, Environment const& env,
                             std::vector<std::string>& warnings) {
    Secrets secrets;
    DOOZER_TRY(secrets.read_write,
               client_secret("-rwsecret", files.read_write, "DOOZER_RWSECRET", env, warnings));
    DOOZER_TRY(secrets.read_only,
               client_secret("-rosecret", files.read_only, "DOOZER_ROSECRET", env, warnings));
    if (!files.cluster.empty()) {
        DOOZER_TRY(secrets.cluster, read_cluster_secrets(files.cluster));
        return secrets;
    }
    std::string const variable = from_environment("DOOZER_CLUSTER_SECRET", env, warnings);
    if (variable.empty()) return secrets;
    DOOZER_TRY([[maybe_unused]] Done const fits,
               check_cluster_secret("DOOZER_CLUSTER_SECRET", variable));
    secrets.cluster = {variable};
    return secrets;
}

}  // namespace doozer::server
