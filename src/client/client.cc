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

/// A request before its strings are copied.
struct Question {
    Verb verb = Verb::nop;
    std::optional<std::string_view> path = {};
    std::optional<std::string_view> value = {};
    std::optional<std::int32_t> offset = {};
    At at = {};  ///< of a write its condition, of a WAIT where it begins
    std::optional<client::Clock::time_point> deadline = {};
};

std::optional<Error> over(char const* what, std::size_t size, std::size_t limit) {
    if (size <= limit) return std::nullopt;
    return Error{Errc::limit_exceeded, std::string(what) + " of " + std::to_string(size) +
                                           " bytes is over the limit of " + std::to_string(limit)};
}

std::optional<Error> too_long(std::optional<std::string_view> path,
                              std::optional<std::string_view> value = {}) {
    if (auto refused = over("a path", path ? path->size() : 0, request_path_bytes_max))
        return refused;
    return over("a value", value ? value->size() : 0, request_value_bytes_max);
}

/// Tells of a refusal as of any other outcome: later, and on the loop's thread.
template <typename T>
void refuse(client::Core& core, Error error, Callback<T> done) {
    core.loop()->run_soon([error = std::move(error), done = std::move(done)](Engine*) {
        if (done) done(error);
    });
}

template <typename T>
void ask(client::Core& core, Question const& question, Result<T> (*convert)(Answer const&),
         Callback<T> done) {
    if (auto refused = too_long(question.path, question.value))
        return refuse<T>(core, *std::move(refused), std::move(done));
    Call call;
    call.verb = question.verb;
    call.path = question.path;
    call.value = question.value;
    call.offset = question.offset;
    call.rev = wire_revision(question.at.rev());
    call.linear = question.at.is_linear();
    call.deadline = question.deadline;
    call.done = [convert, done = std::move(done)](Answer const& answer) {
        if (done) done(convert(answer));
    };
    core.loop()->submit_request(std::move(call));
}

template <typename Entry>
void list(client::Core& core, Verb verb, std::string_view path, At at,
          Result<Entry> (*convert)(Answer const&), Callback<std::vector<Entry>> done) {
    if (!done) return;
    Loop& loop = *core.loop();
    auto refused = too_long(path);
    if (!refused) refused = loop.refusal_of(path.size());
    if (refused) return refuse(core, *std::move(refused), std::move(done));
    using Listing = client::Listing<Entry>;
    typename Listing::What what{verb, std::string(path), wire_revision(at.rev()),
                                loop.request_deadline(), convert};
    what.linear = at.is_linear();
    loop.run_soon([what = std::move(what), done = std::move(done)](Engine* engine) {
        if (engine == nullptr) return done(client::closed_error());
        Listing::start(*engine, what, done);
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

std::uint64_t Client::connections() const {
    return core_->loop()->connections();
}

// --- asynchronous ------------------------------------------------------------------------------

void Client::async_get(std::string_view path, At at, Callback<File> done) {
    ask(*core_, {.verb = Verb::get, .path = path, .at = at}, client::to_file, std::move(done));
}

void Client::async_stat(std::string_view path, At at, Callback<Stat> done) {
    ask(*core_, {.verb = Verb::stat, .path = path, .at = at}, client::to_stat, std::move(done));
}

void Client::async_getdir_at(std::string_view path, std::int32_t offset, At at,
                             Callback<std::string> done) {
    ask(*core_, {.verb = Verb::getdir, .path = path, .offset = offset, .at = at}, client::to_name,
        std::move(done));
}

void Client::async_walk_at(std::string_view glob, std::int32_t offset, At at,
                           Callback<Event> done) {
    ask(*core_, {.verb = Verb::walk, .path = glob, .offset = offset, .at = at}, client::to_event,
        std::move(done));
}

void Client::async_getdir(std::string_view path, At at, Callback<std::vector<std::string>> done) {
    list(*core_, Verb::getdir, path, at, client::to_name, std::move(done));
}

void Client::async_walk(std::string_view glob, At at, Callback<std::vector<Event>> done) {
    list(*core_, Verb::walk, glob, at, client::to_event, std::move(done));
}

void Client::async_rev(Callback<Revision> done) {
    ask(*core_, {.verb = Verb::rev}, client::to_revision, std::move(done));
}

void Client::async_rev(Linear how, Callback<Revision> done) {
    ask(*core_, {.verb = Verb::rev, .at = how}, client::to_revision, std::move(done));
}

void Client::async_self(Callback<std::string> done) {
    ask(*core_, {.verb = Verb::self}, client::to_id, std::move(done));
}

void Client::async_status(Callback<std::string> done) {
    ask(*core_, {.verb = Verb::status}, client::to_id, std::move(done));
}

void Client::async_set(std::string_view path, std::string_view value, Revision condition,
                       Callback<Revision> done) {
    ask(*core_, {.verb = Verb::set, .path = path, .value = value, .at = condition},
        client::to_revision, std::move(done));
}

void Client::async_del(std::string_view path, Revision condition, Callback<Done> done) {
    ask(*core_, {.verb = Verb::del, .path = path, .at = condition}, client::to_done,
        std::move(done));
}

void Client::async_nop(Callback<Done> done) {
    ask(*core_, {.verb = Verb::nop}, client::to_done, std::move(done));
}

void Client::async_wait(std::string_view glob, Revision from,
                        std::optional<std::chrono::milliseconds> timeout, Callback<Event> done) {
    Question question{.verb = Verb::wait, .path = glob, .at = from};
    if (timeout) question.deadline = client::Clock::now() + *timeout;
    ask(*core_, question, client::to_event, std::move(done));
}

void Client::async_access(std::string_view secret, Callback<Done> done) {
    ask(*core_, {.verb = Verb::access, .value = secret}, client::to_done, std::move(done));
}

void Client::async_force(std::string_view cluster, std::string_view id, bool others_are_dead,
                         Callback<Revision> done) {
    async_force(cluster, id, others_are_dead, false, std::move(done));
}

void Client::async_force(std::string_view cluster, std::string_view id, bool others_are_dead,
                         bool leave_further, Callback<Revision> done) {
    Question question{.verb = Verb::force, .path = id, .value = cluster};
    std::int32_t const flags = (others_are_dead ? 1 : 0) + (leave_further ? 2 : 0);
    if (flags != 0) question.offset = flags;
    ask(*core_, question, client::to_revision, std::move(done));
}

// --- blocking ----------------------------------------------------------------------------------

Result<File> Client::get(std::string_view path, At at) {
    return core_->loop()->block<File>([&](Callback<File> d) { async_get(path, at, std::move(d)); });
}

Result<Stat> Client::stat(std::string_view path, At at) {
    return core_->loop()->block<Stat>(
        [&](Callback<Stat> d) { async_stat(path, at, std::move(d)); });
}

Result<std::vector<std::string>> Client::getdir(std::string_view path, At at) {
    using Names = std::vector<std::string>;
    return core_->loop()->block<Names>(
        [&](Callback<Names> d) { async_getdir(path, at, std::move(d)); });
}

Result<std::vector<Event>> Client::walk(std::string_view glob, At at) {
    using Files = std::vector<Event>;
    return core_->loop()->block<Files>(
        [&](Callback<Files> d) { async_walk(glob, at, std::move(d)); });
}

Result<std::string> Client::getdir_at(std::string_view path, std::int32_t offset, At at) {
    return core_->loop()->block<std::string>(
        [&](Callback<std::string> d) { async_getdir_at(path, offset, at, std::move(d)); });
}

Result<Event> Client::walk_at(std::string_view glob, std::int32_t offset, At at) {
    return core_->loop()->block<Event>(
        [&](Callback<Event> d) { async_walk_at(glob, offset, at, std::move(d)); });
}

Result<Revision> Client::rev() {
    return core_->loop()->block<Revision>([&](Callback<Revision> d) { async_rev(std::move(d)); });
}

Result<Revision> Client::rev(Linear how) {
    return core_->loop()->block<Revision>(
        [&](Callback<Revision> d) { async_rev(how, std::move(d)); });
}

Result<std::string> Client::self() {
    return core_->loop()->block<std::string>(
        [&](Callback<std::string> d) { async_self(std::move(d)); });
}

Result<std::string> Client::status() {
    return core_->loop()->block<std::string>(
        [&](Callback<std::string> d) { async_status(std::move(d)); });
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

Result<Revision> Client::force(std::string_view cluster, std::string_view id, bool others_are_dead,
                               bool leave_further) {
    return core_->loop()->block<Revision>([&](Callback<Revision> d) {
        async_force(cluster, id, others_are_dead, leave_further, std::move(d));
    });
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
