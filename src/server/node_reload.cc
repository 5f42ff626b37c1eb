// SIGHUP: certificates and secrets are read anew from their files. What cannot be read or makes no
// sense leaves what there was, and one line in the log.
#include <spdlog/spdlog.h>

#include <csignal>
#include <utility>

#include "server/clock.h"
#include "server/node.h"

namespace doozer::server {
namespace {

bool kept(Error const& error) {
    spdlog::error("SIGHUP: {}; the one before stays in use", error.detail);
    return false;
}

/// Takes what was read, or says why what there was stays.
template <typename T>
bool take(Result<T> read, T& target) {
    if (!read.ok()) return kept(read.error());
    target = std::move(read).value();
    return true;
}

}  // namespace

void Node::await_reloads() {
    reload_wanted_.async_wait([this](net::error_code const& error, int) {
        if (error) return;
        reload();
        await_reloads();
    });
}

void Node::reload() {
    bool const clients = reload_client_secrets();
    bool const others = reload_members_and_certificates();
    if (clients && others) spdlog::info("SIGHUP: read certificates and secrets anew");
}

/// A session keeps what it was granted before; what it presents from now on is compared with the
/// new secrets.
bool Node::reload_client_secrets() {
    SecretFiles const& files = options_.secret_files;
    Secrets& secrets = options_.secrets;
    bool all = true;
    if (!files.read_write.empty()) {
        all = take(read_client_secret("-rwsecret", files.read_write), secrets.read_write);
    }
    if (!files.read_only.empty()) {
        all = take(read_client_secret("-rosecret", files.read_only), secrets.read_only) && all;
    }
    now_ = monotonic_now();
    step(replica::AccessChanged{access()});
    return all;
}

/// The connections that there are go on as they are. TlsServer objects are replaced in place, since
/// connections that nothing has arrived on yet point at them.
bool Node::reload_members_and_certificates() {
    bool all = true;
    if (!options_.secret_files.cluster.empty()) {
        all = take(read_cluster_secrets(options_.secret_files.cluster), options_.secrets.cluster);
        cluster_->offer(options_.secrets.cluster.front());
    }
    if (!options_.tls_authority_file.empty()) {
        auto const trusted = net::TlsClient::trusting(options_.tls_authority_file);
        if (!trusted.ok()) all = kept(trusted.error());
    }
    auto const keys = ClusterSide::keys_of(options_.secrets.cluster);
    if (!options_.tls_certificate_file.empty()) {
        net::TlsServer::Files const files{options_.tls_certificate_file, options_.tls_key_file};
        auto fresh = net::TlsServer::make(files, keys);
        auto fresh_web = net::TlsServer::make(files, {}, web_protocol);
        if (fresh.ok() && fresh_web.ok()) {
            tls_ = std::move(fresh).value();
            web_tls_ = std::move(fresh_web).value();
            return all;
        }
        all = kept(fresh.ok() ? fresh_web.error() : fresh.error());
    }
    if (tls_) tls_ = tls_->with_keys(keys);
    return all;
}

}  // namespace doozer::server
