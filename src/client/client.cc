#include "doozer/client.h"

#include <string>
#include <utility>

#include "client/answer.h"
#include "client/core.h"
#include "client/listing.h"
#include "client/watch.h"

namespace doozer {

using base::Verb;
using client::Answer;
using client::Call;
using client::Engine;
using client::Loop;

namespace {

std::optional<base::Revision> wire_revision(std::optional<Revision> rev) {
    if (!rev) return std::nullopt;
    return base::Revision(rev->value());
}

Call call(Verb verb, std::optional<std::string_view> path = {}, std::optional<Revision> rev = {}) {
    Call c;
    c.verb = verb;
    c.path = path;
    c.rev = wire_revision(rev);
    return c;
}

template <typename T>
void ask(client::Core& core, Call c, Result<T> (*convert)(Answer const&), Callback<T> done) {
    c.done = [convert, done = std::move(done)](Answer const& answer) {
        if (done) done(convert(answer));
    };
    core.loop()->submit_request(std::move(c));
}

template <typename Entry>
void list(client::Core& core, typename client::Listing<Entry>::What what,
          Callback<std::vector<Entry>> done) {
    Loop& loop = *core.loop();
    what.deadline = loop.request_deadline();
    auto refused = loop.refusal_of(what.path.size());
    if (what.path.size() > request_path_bytes_max)
        refused = Error{Errc::limit_exceeded, "the path is too long"};
    if (!done) return;
    loop.run_soon([what = std::move(what), done = std::move(done),
                   refused = std::move(refused)](Engine* engine) {
        if (refused) return done(*refused);
        if (engine == nullptr) return done(client::closed_error());
        client::Listing<Entry>::start(*engine, what, done);
    });
}

}  // namespace

// --- the client itself -------------------------------------------------------------------------

Client::Client(std::unique_ptr<client::Core> core) : core_(std::move(core)) {}
Client::~Client() = default;
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;

Result<Client> Client::connect(std::string_view uri, Options const& options) {
    auto const parsed = parse_uri(uri);
    if (!parsed.ok()) return parsed.error();
    return connect(*parsed, options);
}

Result<Client> Client::connect(Uri const& uri, Options const& options) {
    return client::Core::connect(uri, options, client::Timing{});
}

std::string Client::address() const {
    return core_->loop()->address();
}

// --- asynchronous ------------------------------------------------------------------------------

void Client::async_get(std::string_view path, std::optional<Revision> rev, Callback<File> done) {
    ask(*core_, call(Verb::get, path, rev), client::to_file, std::move(done));
}

void Client::async_stat(std::string_view path, std::optional<Revision> rev, Callback<Stat> done) {
    ask(*core_, call(Verb::stat, path, rev), client::to_stat, std::move(done));
}

void Client::async_getdir_at(std::string_view path, std::int32_t offset,
                             std::optional<Revision> rev, Callback<std::string> done) {
    Call c = call(Verb::getdir, path, rev);
    c.offset = offset;
    ask(*core_, std::move(c), client::to_name, std::move(done));
}

void Client::async_walk_at(std::string_view glob, std::int32_t offset, std::optional<Revision> rev,
                           Callback<Event> done) {
    Call c = call(Verb::walk, glob, rev);
    c.offset = offset;
    ask(*core_, std::move(c), client::to_event, std::move(done));
}

void Client::async_getdir(std::string_view path, std::optional<Revision> rev,
                          Callback<std::vector<std::string>> done) {
    list<std::string>(*core_,
                      {Verb::getdir, std::string(path), wire_revision(rev), {}, client::to_name},
                      std::move(done));
}

void Client::async_walk(std::string_view glob, std::optional<Revision> rev,
                        Callback<std::vector<Event>> done) {
    list<Event>(*core_, {Verb::walk, std::string(glob), wire_revision(rev), {}, client::to_event},
                std::move(done));
}

void Client::async_rev(Callback<Revision> done) {
    ask(*core_, call(Verb::rev), client::to_revision, std::move(done));
}

void Client::async_self(Callback<std::string> done) {
    ask(*core_, call(Verb::self), client::to_id, std::move(done));
}

void Client::async_set(std::string_view path, std::string_view value, Revision condition,
                       Callback<Revision> done) {
    Call c = call(Verb::set, path, condition);
    c.value = value;
    ask(*core_, std::move(c), client::to_revision, std::move(done));
}

void Client::async_del(std::string_view path, Revision condition, Callback<Done> done) {
    ask(*core_, call(Verb::del, path, condition), client::to_done, std::move(done));
}

void Client::async_nop(Callback<Done> done) {
    ask(*core_, call(Verb::nop), client::to_done, std::move(done));
}

void Client::async_wait(std::string_view glob, Revision from,
                        std::optional<std::chrono::milliseconds> timeout, Callback<Event> done) {
    Call c = call(Verb::wait, glob, from);
    if (timeout) c.deadline = client::Clock::now() + *timeout;
    ask(*core_, std::move(c), client::to_event, std::move(done));
}

void Client::async_access(std::string_view secret, Callback<Done> done) {
    Call c = call(Verb::access);
    c.value = secret;
    ask(*core_, std::move(c), client::to_done, std::move(done));
}

// --- blocking ----------------------------------------------------------------------------------

Result<File> Client::get(std::string_view path, std::optional<Revision> rev) {
    return core_->loop()->block<File>(
        [&](Callback<File> d) { async_get(path, rev, std::move(d)); });
}

Result<Stat> Client::stat(std::string_view path, std::optional<Revision> rev) {
    return core_->loop()->block<Stat>(
        [&](Callback<Stat> d) { async_stat(path, rev, std::move(d)); });
}

Result<std::vector<std::string>> Client::getdir(std::string_view path,
                                                std::optional<Revision> rev) {
    using Names = std::vector<std::string>;
    return core_->loop()->block<Names>(
        [&](Callback<Names> d) { async_getdir(path, rev, std::move(d)); });
}

Result<std::vector<Event>> Client::walk(std::string_view glob, std::optional<Revision> rev) {
    using Files = std::vector<Event>;
    return core_->loop()->block<Files>(
        [&](Callback<Files> d) { async_walk(glob, rev, std::move(d)); });
}

Result<std::string> Client::getdir_at(std::string_view path, std::int32_t offset,
                                      std::optional<Revision> rev) {
    return core_->loop()->block<std::string>(
        [&](Callback<std::string> d) { async_getdir_at(path, offset, rev, std::move(d)); });
}

Result<Event> Client::walk_at(std::string_view glob, std::int32_t offset,
                              std::optional<Revision> rev) {
    return core_->loop()->block<Event>(
        [&](Callback<Event> d) { async_walk_at(glob, offset, rev, std::move(d)); });
}

Result<Revision> Client::rev() {
    return core_->loop()->block<Revision>([&](Callback<Revision> d) { async_rev(std::move(d)); });
}

Result<std::string> Client::self() {
    return core_->loop()->block<std::string>(
        [&](Callback<std::string> d) { async_self(std::move(d)); });
}

Result<Revision> Client::set(std::string_view path, std::string_view value, Revision condition) {
    return core_->loop()->block<Revision>(
        [&](Callback<Revision> d) { async_set(path, value, condition, std::move(d)); });
}

Result<Done> Client::del(std::string_view path, Revision condition) {
    return core_->loop()->block<Done>(
        [&](Callback<Done> d) { async_del(path, condition, std::move(d)); });
}

Result<Done> Client::nop() {
    return core_->loop()->block<Done>([&](Callback<Done> d) { async_nop(std::move(d)); });
}

Result<Event> Client::wait(std::string_view glob, Revision from,
                           std::optional<std::chrono::milliseconds> timeout) {
    return core_->loop()->block<Event>(
        [&](Callback<Event> d) { async_wait(glob, from, timeout, std::move(d)); });
}

Result<Done> Client::access(std::string_view secret) {
    return core_->loop()->block<Done>(
        [&](Callback<Done> d) { async_access(secret, std::move(d)); });
}

// --- watching ----------------------------------------------------------------------------------

Result<Watch> Client::watch(std::string_view glob, std::optional<Revision> from) {
    if (!from) {
        auto const present = rev();
        if (!present.ok()) return present.error();
        from = present->next();
    }
    return watch(glob, from, nullptr);
}

Watch Client::watch(std::string_view glob, std::optional<Revision> from, Callback<Event> on_event) {
    auto state =
        std::make_shared<Watch::State>(core_->loop(), std::string(glob), std::move(on_event));
    Watch::State::start(state, from);
    return Watch(std::move(state));
}

}  // namespace doozer
