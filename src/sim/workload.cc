#include "sim/workload.h"

#include <utility>

namespace doozer::sim {

namespace {
constexpr Duration patience = seconds(3);
constexpr std::uint64_t files = 5;
constexpr std::string_view watched = "/k";
constexpr char const* empty_file = "/z";  // nobody reads it: all empty values are alike
}  // namespace

Workload::Workload(Schedule& schedule, Prng& prng, Cluster& cluster, Pace const& pace)
    : schedule_(schedule),
      prng_(prng),
      cluster_(cluster),
      pace_(pace),
      clients_(pace.clients),
      watchers_(pace.watchers) {}

void Workload::start() {
    for (std::size_t c = 0; c < clients_.size(); ++c) {
        clients_[c].at = c % cluster_.addresses();
        next(c);
    }
    for (std::size_t w = 0; w < watchers_.size(); ++w) wait_elsewhere(w);
}

void Workload::next(std::size_t client) {
    Duration const think(100'000 + static_cast<std::int64_t>(prng_.below(
                                       static_cast<std::uint64_t>(pace_.think.value()))));
    schedule_.after(think, [this, client] {
        if (!stopped_) issue(client);
    });
}

/// The next request goes to another process, on a connection of its own.
void Workload::disconnect(Client& c) {
    if (c.session != SessionId(0)) cluster_.close(c.at, c.session);
    op_of_.erase(c.session);
    address_of_.erase(c.session);
    c.session = SessionId(0);
    c.at = prng_.below(cluster_.addresses());
}

/// What the operation writes. It begins with the operation's number, unless it is empty.
std::string Workload::text_of(Op const& op) {
    std::string text = "v" + std::to_string(op.id);
    if (pace_.large_one_in == 0 || !prng_.one_in(pace_.large_one_in)) return text;
    std::size_t const size = prng_.below(pace_.value_bytes + 1);
    text += ' ';
    if (text.size() < size) text.resize(size, static_cast<char>('a' + op.id % 26));
    return text;
}

void Workload::choose(Op& op, Client& client) {
    if (client.again) {
        op.kind = client.again->kind;
        op.path = client.again->path;
        op.expected = client.again->expected;
        client.again.reset();
        return;
    }
    static constexpr std::array<OpKind, 10> kinds = {OpKind::set,         OpKind::set,
                                                     OpKind::set,         OpKind::compare_and_set,
                                                     OpKind::del,         OpKind::local_read,
                                                     OpKind::local_read,  OpKind::later_read,
                                                     OpKind::linear_read, OpKind::compare_and_set};
    op.kind = kinds.at(prng_.below(kinds.size()));
    op.path = std::string(watched) + std::to_string(prng_.below(files));
    op.min_rev = client.seen;
    if (op.kind == OpKind::compare_and_set) {
        store::Store const& s = cluster_.store(client.at);
        op.expected = s.find(store::Path::trusted(op.path), s.revision()).rev;
    }
    if (op.kind == OpKind::set && prng_.one_in(20)) op.path = empty_file;
}

void Workload::issue(std::size_t client) {
    Client& c = clients_[client];
    if (!cluster_.serving(c.at)) {
        disconnect(c);
        return next(client);
    }
    if (c.session == SessionId(0)) {
        c.session = cluster_.open(c.at);
        c.number = sessions_++;
        address_of_[c.session] = c.at;
    }
    std::size_t const index = ops_.size();
    Op& op = ops_.emplace_back();
    op.id = index + 1;
    op.session = c.number;
    op.start = schedule_.now();
    choose(op, c);
    client_of_.push_back(client);
    c.op = index;
    op_of_[c.session] = index;

    Request r;
    bool const writes =
        op.kind == OpKind::set || op.kind == OpKind::compare_and_set || op.kind == OpKind::del;
    r.verb = !writes ? Verb::get : op.kind == OpKind::del ? Verb::del : Verb::set;
    r.tag = Tag(1);
    std::string const path = op.path;  // a reply at once may move what ops_ holds
    bool const has_value = r.verb == Verb::set && path != empty_file;
    std::string const value = has_value ? text_of(op) : "";
    op.value = brief(value);
    r.path = path;
    if (writes) r.rev = op.expected;
    if (r.verb == Verb::set) r.value = value;
    r.linear = op.kind == OpKind::linear_read;
    if (op.kind == OpKind::later_read) r.min_rev = op.min_rev;
    schedule_.after(patience, [this, index] { finish(index, OpState::unknown); });
    cluster_.request(c.at, c.session, r);
}

void Workload::burst(Address a, std::size_t writes) {
    for (std::size_t n = 0; n < writes; ++n) {
        if (cluster_.serving(a)) (void)write_at(a, patience);
    }
}

std::optional<std::size_t> Workload::write_at(Address a, Duration wait_at_most) {
    std::size_t const index = ops_.size();
    Op& op = ops_.emplace_back();
    op.id = index + 1;
    op.session = sessions_++;
    op.path = "/k0";
    std::string const value = text_of(op);
    op.value = brief(value);
    op.start = schedule_.now();
    client_of_.push_back(no_client);
    SessionId const session = cluster_.open(a);
    address_of_[session] = a;
    op_of_[session] = index;
    std::string const path = op.path;
    Request r;
    r.verb = Verb::set;
    r.path = path;
    r.value = value;
    r.rev = clobber;
    schedule_.after(wait_at_most, [this, index] { finish(index, OpState::unknown); });
    cluster_.request(a, session, r);
    if (ops_[index].state == OpState::refused) return std::nullopt;
    return index;
}

void Workload::finish(std::size_t index, OpState state) {
    Op& op = ops_[index];
    if (op.state != OpState::pending) return;
    op.state = state;
    op.end = schedule_.now();
    ++finished_;
    if (client_of_[index] == no_client) return;
    Client& c = clients_[client_of_[index]];
    c.op.reset();
    c.seen = std::max(c.seen, op.rev);
    op_of_.erase(c.session);
    bool const writes = op.kind == OpKind::set || op.kind == OpKind::compare_and_set;
    if (state == OpState::unknown && writes && prng_.one_in(2)) c.again = op;
    if (state != OpState::done) disconnect(c);
    next(client_of_[index]);
}

void Workload::on_reply(Address at, replica::Reply const& reply) {
    if (auto const w = watcher_of_.find(reply.session); w != watcher_of_.end()) {
        return take_event(w->second, reply);
    }
    auto const op = op_of_.find(reply.session);
    if (op == op_of_.end()) return;
    ops_[op->second].branch = cluster_.branch(at);
    take_reply(op->second, reply);
}

void Workload::take_reply(std::size_t index, replica::Reply const& reply) {
    Op& op = ops_[index];
    bool const reads = op.kind == OpKind::local_read || op.kind == OpKind::later_read ||
                       op.kind == OpKind::linear_read;
    if (reply.error && reply.error->code != Errc::rev_mismatch) {
        return finish(index, OpState::refused);
    }
    op.succeeded = !reply.error;
    op.rev = reply.rev.value_or(missing);
    if (reads) op.value = reply.value ? brief(reply.value->view()) : "";
    finish(index, OpState::done);
}

/// Session 0: the whole process is gone.
void Workload::on_lost(Address at, SessionId session) {
    std::vector<SessionId> gone;
    for (auto const& [id, address] : address_of_) {
        if (address == at && (id == session || session == SessionId(0))) gone.push_back(id);
    }
    for (SessionId const id : gone) {
        address_of_.erase(id);
        if (auto const w = watcher_of_.find(id); w != watcher_of_.end()) {
            std::size_t const watcher = w->second;
            watcher_of_.erase(w);
            wait_elsewhere(watcher);
        } else if (auto const op = op_of_.find(id); op != op_of_.end()) {
            finish(op->second, OpState::unknown);
        } else {
            for (Client& c : clients_) {
                if (c.session == id) c.session = SessionId(0);
            }
        }
    }
}

// --- watches ---------------------------------------------------------------------------------

/// Goes on where it was, at another process.
void Workload::wait_elsewhere(std::size_t watcher) {
    Duration const soon = milliseconds(1 + static_cast<std::int64_t>(prng_.below(50)));
    schedule_.after(soon, [this, watcher] {
        if (stopped_) return;
        Waiting& w = watchers_[watcher];
        w.at = prng_.below(cluster_.addresses());
        if (!cluster_.serving(w.at) || cluster_.paused(w.at)) return wait_elsewhere(watcher);
        w.session = cluster_.open(w.at);
        address_of_[w.session] = w.at;
        watcher_of_[w.session] = watcher;
        if (w.next == missing) {
            w.next = cluster_.store(w.at).revision().next();
            w.watch = watches_.size();
            watches_.push_back({std::string(watched), w.next, Revision(w.next.value() - 1), {}});
        }
        wait(watcher);
        // Now and then it goes elsewhere of its own accord.
        SessionId const session = w.session;
        Duration const stay = milliseconds(500 + static_cast<std::int64_t>(prng_.below(3000)));
        schedule_.after(stay, [this, watcher, session] {
            if (watcher_of_.erase(session) == 0) return;
            cluster_.close(address_of_[session], session);
            address_of_.erase(session);
            wait_elsewhere(watcher);
        });
    });
}

void Workload::wait(std::size_t watcher) {
    Waiting const& w = watchers_[watcher];
    Request r;
    r.verb = Verb::wait;
    r.tag = Tag(1);
    r.path = "/k*";
    r.rev = w.next;
    cluster_.request(w.at, w.session, r);
}

void Workload::take_event(std::size_t watcher, replica::Reply const& reply) {
    Waiting& w = watchers_[watcher];
    if (reply.error) {  // TOO_LATE: a new beginning
        watcher_of_.erase(w.session);
        cluster_.close(w.at, w.session);
        address_of_.erase(w.session);
        w.next = missing;
        return wait_elsewhere(watcher);
    }
    bool const is_set = reply.flags == flag_set;
    Watch& watch = watches_[w.watch];
    watch.upto = *reply.rev;
    watch.told.push_back({*reply.rev, is_set ? store::EventKind::set : store::EventKind::del,
                          std::string(reply.path->view()), brief(reply.value->view())});
    w.next = reply.rev->next();
    SessionId const session = w.session;
    schedule_.after(microseconds(100), [this, watcher, session] {
        if (watcher_of_.contains(session) && !stopped_) wait(watcher);
    });
}

}  // namespace doozer::sim
