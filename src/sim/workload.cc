#include "sim/workload.h"

namespace doozer::sim {

namespace {
constexpr Duration patience = seconds(3);
constexpr std::uint64_t keys = 5;
}  // namespace

Workload::Workload(Schedule& schedule, Prng& prng, Cluster& cluster, std::size_t clients)
    : schedule_(schedule), prng_(prng), cluster_(cluster), clients_(clients) {}

void Workload::start() {
    for (std::size_t c = 0; c < clients_.size(); ++c) {
        clients_[c].at = c % cluster_.addresses();
        clients_[c].session = sessions_++;
        next(c);
    }
}

void Workload::next(std::size_t client) {
    Duration const think = microseconds(100 + static_cast<std::int64_t>(prng_.below(20'000)));
    schedule_.after(think, [this, client] {
        if (!stopped_) issue(client);
    });
}

/// To another process, with what it saw so far forgotten: reads may go back once.
void Workload::move(Client& c) {
    c.session = sessions_++;
    c.at = prng_.below(cluster_.addresses());
}

void Workload::issue(std::size_t client) {
    Client& c = clients_[client];
    if (!cluster_.alive(c.at) || cluster_.core(c.at).epoch() == Epoch(0)) {
        move(c);
        return next(client);
    }
    Op op;
    op.id = ops_.size() + 1;
    op.client = c.session;
    op.key = "k" + std::to_string(prng_.below(keys));
    op.start = schedule_.now();
    std::uint64_t const dice = prng_.below(10);
    op.kind = dice < 4   ? OpKind::set
              : dice < 6 ? OpKind::compare_and_set
              : dice < 8 ? OpKind::local_read
                         : OpKind::linear_read;
    std::size_t const index = ops_.size();
    KeyValue const& store = cluster_.store(c.at);
    File const* const file = store.find(op.key);
    if (op.kind == OpKind::compare_and_set) op.expected = file ? file->revision.value() : 0;
    if (op.kind == OpKind::set || op.kind == OpKind::compare_and_set) {
        op.value = "v" + std::to_string(op.id);
    }
    ops_.push_back(op);
    client_of_.push_back(client);
    address_of_.push_back(c.at);
    c.op = index;
    if (cluster_.paused(c.at)) {
        // the request waits in the socket; the client gives up before it is read
    } else if (op.kind == OpKind::local_read) {
        ops_[index].revision = store.revision();
        ops_[index].value = file ? file->value : "";
        return finish(index, OpState::done);
    } else if (op.kind == OpKind::linear_read) {
        cluster_.read(c.at, op.id);
    } else if (!cluster_.submit(c.at, {{op.id, op.key, op.value, op.expected}})) {
        return finish(index, OpState::refused);
    }
    schedule_.after(patience, [this, index] { finish(index, OpState::unknown); });
}

std::optional<std::size_t> Workload::write_at(Address a) {
    Op op;
    op.id = ops_.size() + 1;
    op.client = sessions_++;
    op.key = "k0";
    op.value = "v" + std::to_string(op.id);
    op.start = schedule_.now();
    ops_.push_back(op);
    client_of_.push_back(no_client);
    address_of_.push_back(a);
    if (cluster_.submit(a, {{op.id, op.key, op.value, -1}})) return ops_.size() - 1;
    ops_.back().state = OpState::refused;
    return std::nullopt;
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
    if (state != OpState::done) move(c);
    next(client_of_[index]);
}

void Workload::on_change(Address, Change const& change) {
    if (change.id == 0) return;
    Op& op = ops_[change.id - 1];
    if (op.state != OpState::pending) return;
    op.revision = change.revision;
    op.succeeded = change.done;
    finish(change.id - 1, OpState::done);
}

void Workload::on_read_ready(Address at, std::uint64_t token) {
    Op& op = ops_[token - 1];
    if (op.state != OpState::pending) return;
    File const* const file = cluster_.store(at).find(op.key);
    op.revision = cluster_.store(at).revision();
    op.value = file ? file->value : "";
    finish(token - 1, OpState::done);
}

void Workload::on_read_refused(Address, std::uint64_t token) {
    finish(token - 1, OpState::refused);
}

/// Batches of a removed member never count: its clients are told so.
void Workload::on_returned(Address, Bytes const& payload) {
    for (Command const& c : decode(payload)) {
        if (c.id > 0) finish(c.id - 1, OpState::refused);
    }
}

void Workload::on_lost(Address at) {
    for (std::size_t i = 0; i < ops_.size(); ++i) {
        if (ops_[i].state == OpState::pending && address_of_[i] == at) {
            finish(i, OpState::unknown);
        }
    }
}

}  // namespace doozer::sim
