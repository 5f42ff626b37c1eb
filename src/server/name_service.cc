#include "server/name_service.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <utility>

#include "doozer/client.h"
#include "server/clock.h"

namespace doozer::server {
namespace {

using std::chrono::milliseconds;

/// How often a process looks at the DzNS: one that looks for its cluster, and others.
constexpr milliseconds look_every(250);
constexpr milliseconds keep_every(2000);
/// How long the DzNS may take: also the end of the process waits for it.
constexpr milliseconds connect_within(2000);
constexpr milliseconds answer_within(2000);

/// The text of a URI that others may read: without the secret.
std::string without_secret(Uri const& uri) {
    std::string text = "doozer:?";
    for (std::string const& address : uri.addresses) text += "ca=" + address + "&";
    if (uri.tls) text += "tl=1&";
    text.pop_back();
    return text;
}

/// The thread that it is made in, and those made there, leave signals to the loop's.
void leave_signals_to_others() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, nullptr);
}

}  // namespace

/// Everything that is gone when something fails.
struct NameService::Connection {
    Client client;
    std::string name;

    static Result<std::unique_ptr<Connection>> open(Settings const& settings) {
        Options options;
        options.tls_authority_file = settings.tls_authority_file;
        options.connect_timeout = connect_within;
        options.request_timeout = answer_within;
        auto client = Client::connect(settings.uri, options);
        if (!client.ok()) return client.error();
        return std::make_unique<Connection>(
            Connection{std::move(client).value(), settings.cluster_name});
    }

    [[nodiscard]] std::string boot_path() const { return "/ctl/boot/" + name; }
    [[nodiscard]] std::string entry_path(std::string const& id) const {
        return "/ctl/ns/" + name + "/" + id;
    }

    Result<NameView> view() {
        auto const rev = client.rev();
        if (!rev.ok()) return rev.error();
        auto const files = client.walk(entry_path("*"), *rev);
        if (!files.ok()) return files.error();
        auto const boot = client.get(boot_path(), *rev);
        if (!boot.ok()) return boot.error();
        NameView view;
        std::size_t const before_id = entry_path("").size();
        for (Event const& file : *files) {
            view.entries[file.path.substr(before_id)] = {file.value, file.rev.value()};
        }
        view.boot = {boot->value, boot->rev.value()};
        return view;
    }

    /// Ignores an answer that arrives after its lookup timed out: the next look shows the present
    /// state.
    Result<Done> make(NameChange const& change) {
        bool const is_boot = change.where == NameChange::Where::boot;
        std::string const path = is_boot ? boot_path() : entry_path(change.id);
        Revision const rev(change.rev);
        std::optional<Error> refused;
        if (change.remove) {
            auto const done = client.del(path, rev);
            if (!done.ok()) refused = done.error();
        } else {
            auto const done = client.set(path, change.value, rev);
            if (!done.ok()) refused = done.error();
        }
        if (refused && refused->code != Errc::rev_mismatch) return *refused;
        return Done{};
    }
};

std::string NameService::complaint_of(std::string const& uri, std::string const& own) {
    auto const parsed = parse_uri(uri);
    if (!parsed.ok()) return parsed.error().message();
    auto const& addresses = parsed->addresses;
    if (addresses.empty()) return "the URI has no address (ca)";
    bool const only_own = std::count(addresses.begin(), addresses.end(), own) ==
                          static_cast<std::ptrdiff_t>(addresses.size());
    return only_own ? "the URI names this process itself" : "";
}

NameService::NameService(net::asio::io_context& loop, Settings settings, Callbacks callbacks)
    : loop_(loop),
      settings_(std::move(settings)),
      callbacks_(std::move(callbacks)),
      rules_(settings_.times) {
    thread_ = std::thread([this] {
        leave_signals_to_others();
        work();
    });
}

NameService::~NameService() {
    {
        std::lock_guard const lock(mutex_);
        stopping_ = true;
    }
    changed_.notify_all();
    thread_.join();
}

void NameService::tell(NameSelf const& self) {
    {
        std::lock_guard const lock(mutex_);
        if (self_ == self) return;
        self_ = self;
        news_ = true;
    }
    changed_.notify_all();
}

void NameService::post(std::function<void()> what) {
    net::asio::post(loop_, [alive = std::weak_ptr(alive_), what = std::move(what)] {
        if (!alive.expired()) what();
    });
}

/// The body of the thread.
void NameService::work() {
    std::unique_lock lock(mutex_);
    while (!stopping_) {
        news_ = false;
        std::optional<NameSelf> const self = self_;
        if (self) {
            lock.unlock();
            round(*self);
            lock.lock();
            if (std::exchange(again_, false)) continue;
        }
        bool const looking = self && self->stage == NameSelf::Stage::looking;
        changed_.wait_for(lock, looking ? look_every : keep_every,
                          [this] { return stopping_ || news_; });
    }
    std::optional<NameSelf> const self = self_;
    lock.unlock();
    if (self && connection_) take_leave(*self);
    connection_.reset();
}

/// One look at the DzNS, and what it leads to.
void NameService::round(NameSelf const& self) {
    if (!connection_) {
        auto opened = Connection::open(settings_);
        if (!opened.ok()) return complain(opened.error().message());
        connection_ = std::move(opened).value();
    }
    auto const view = connection_->view();
    if (!view.ok()) return complain(view.error().message());
    NamePlan const plan = rules_.plan(monotonic_now(), *view, self);
    perform(plan);
    if (!connection_) return;
    again_ = !plan.changes.empty();
    if (!std::exchange(complaint_, "").empty()) {
        spdlog::info("{}: the name service answers again", self.id);
    }
    say_whom_it_waits_for(plan.waits_for);
}

void NameService::perform(NamePlan const& plan) {
    if (plan.dial != dialled_) {
        dialled_ = plan.dial;
        post([this, dial = plan.dial] { callbacks_.on_addresses(dial); });
    }
    for (NameChange const& change : plan.changes) {
        auto const made = connection_->make(change);
        if (!made.ok()) return complain(made.error().message());
    }
    if (plan.found) post([this] { callbacks_.on_founder(); });
}

void NameService::say_whom_it_waits_for(std::string const& founder) {
    if (std::exchange(waits_for_, founder) == founder || founder.empty()) return;
    spdlog::warn(
        "cluster {} was founded by {}, and no member of it answers: waiting; if all are gone for "
        "good: doozer -a '{}' del /ctl/boot/{} -1",
        settings_.cluster_name, founder, without_secret(parse_uri(settings_.uri).value()),
        settings_.cluster_name);
}

void NameService::take_leave(NameSelf const& self) {
    auto const view = connection_->view();
    if (!view.ok()) return;
    for (NameChange const& change : NameRules::farewell(*view, self)) {
        if (!connection_->make(change).ok()) return;
    }
}

/// Says what is in the way, once; it is tried again.
void NameService::complain(std::string const& what) {
    connection_.reset();
    if (std::exchange(complaint_, what) == what) return;
    spdlog::warn("the name service: {}; tried again", what);
}

}  // namespace doozer::server
