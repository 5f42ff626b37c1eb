#include "client/core.h"

#include <csignal>
#include <system_error>
#include <utility>

namespace doozer::client {
namespace {

/// Blocks all signals in this thread, and so in threads that it starts: a program's signals are
/// for the program's threads.
class NoSignals {
  public:
    NoSignals() {
        sigset_t all;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before_);
    }
    ~NoSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
    NoSignals(NoSignals const&) = delete;
    NoSignals& operator=(NoSignals const&) = delete;

  private:
    sigset_t before_{};
};

Error invalid(std::string const& detail) {
    return Error{Errc::invalid_uri, "invalid uri" + (detail.empty() ? "" : ": " + detail)};
}

Result<Credentials> credentials_for(Uri const& uri, Options const& options) {
    Credentials credentials;
    if (!uri.secret.empty()) credentials.secrets.push_back(uri.secret);
    if (!uri.tls) return credentials;
    auto tls = net::TlsClient::trusting(options.tls_authority_file);
    if (!tls.ok()) return Error{Errc::connect_failed, tls.error().detail};
    credentials.tls = std::move(tls).value();
    return credentials;
}

Result<Dialer::Target> target_of(Uri const& uri, Options const& options) {
    Dialer::Target target;
    auto credentials = credentials_for(uri, options);
    if (!credentials.ok()) return credentials.error();
    target.credentials = std::move(credentials).value();
    if (!uri.cluster_name.empty() && !options.boot_uri.empty()) {
        auto boot = parse_uri(options.boot_uri);
        if (!boot.ok()) return invalid("boot uri: " + boot.error().message());
        if (boot->addresses.empty()) return invalid("the boot uri has no address (ca)");
        auto for_boot = credentials_for(boot.value(), options);
        if (!for_boot.ok()) return for_boot.error();
        target.boot_credentials = std::move(for_boot).value();
        target.boot = std::move(boot).value();
        target.cluster_name = uri.cluster_name;
        return target;
    }
    for (std::string const& text : uri.addresses) {
        auto address = net::parse_address(text, default_port);
        if (!address.ok()) return invalid(address.error().detail);
        target.addresses.push_back(std::move(address).value());
    }
    if (target.addresses.empty())
        return invalid(uri.cluster_name.empty() ? "no address" : "a name (cn) needs a boot uri");
    return target;
}

}  // namespace

Core::Core(std::shared_ptr<Loop> loop) : loop_(std::move(loop)) {
    NoSignals const no_signals;
    thread_ = std::thread([running = loop_] { running->run(); });
}

Core::~Core() {
    loop_->close();
    if (loop_->on_thread())
        thread_.detach();  // it holds the loop, and ends when this callback has returned
    else
        thread_.join();
}

Result<Client> Core::connect(Uri const& uri, Options const& options, Timing const& timing) {
    auto target = target_of(uri, options);
    if (!target.ok()) return target.error();
    auto const deadline = Clock::now() + options.connect_timeout;
    auto const loop = std::make_shared<Loop>(std::move(target).value(), options, timing);
    auto core = std::make_unique<Core>(loop);
    auto const started = loop->block<Done>([&](Callback<Done> const& done) {
        loop->run_soon([deadline, done](Engine* engine) { engine->start(deadline, done); });
    });
    if (!started.ok()) return started.error();
    return Client(std::move(core));
}

}  // namespace doozer::client
