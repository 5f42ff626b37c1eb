// The clients that use the library, in both of its forms.
#include <chrono>
#include <condition_variable>
#include <deque>
#include <thread>

#include "doozer/client.h"
#include "recorder.h"

namespace chaos {

namespace {

using namespace std::chrono_literals;

using doozer::Callback;
using doozer::Client;
using doozer::Done;
using doozer::Errc;
using doozer::Error;
using doozer::Event;
using doozer::File;
using doozer::Options;
using doozer::Result;
using doozer::Revision;

Options options() {
    Options o;
    o.request_timeout = std::chrono::milliseconds(patience_ms);
    return o;
}

/// Connects, however long that takes; nothing if the run is over before.
std::optional<Client> connect(Plan const& plan, std::size_t number) {
    while (!plan.stop) {
        auto client = Client::connect(plan.uri(number), options());
        if (client.ok()) return std::move(client.value());
    }
    return std::nullopt;
}

/// A write that failed: what its error says of whether it happened.
void take_error(Op& op, Error const& error) {
    if (!is_read(op.kind) && error.code == Errc::rev_mismatch) {
        op.state = OpState::done;
        op.succeeded = false;
    } else {
        bool const may_be_done =
            !is_read(op.kind) && error.write_outcome() != doozer::WriteOutcome::not_done;
        op.state = may_be_done ? OpState::unknown : OpState::refused;
    }
}
void take(Op& op, Result<Revision> const& result) {
    if (!result.ok()) return take_error(op, result.error());
    op.state = OpState::done;
    op.succeeded = true;
    op.rev = result.value().value();
}
void take(Op& op, Result<Done> const& result) {
    if (!result.ok()) return take_error(op, result.error());
    op.state = OpState::done;
    op.succeeded = true;
}
void take(Op& op, Result<File> const& result) {
    if (!result.ok()) return take_error(op, result.error());
    op.state = OpState::done;
    op.rev = result.value().rev.value();
    op.value = result.value().value;
}

/// What a client reads never goes back, whichever server answers: its session is never over.
doozer::At at(Op const& op) {
    return op.kind == OpKind::linear_read ? doozer::At(doozer::linear) : doozer::At();
}

void perform(Client& client, Op& op) {
    if (op.kind == OpKind::del) {
        take(op, client.del(op.path, Revision(op.expected)));
    } else if (op.kind == OpKind::set || op.kind == OpKind::compare_and_set) {
        take(op, client.set(op.path, op.value, Revision(op.expected)));
    } else {
        take(op, client.get(op.path, at(op)));
    }
}

Change change_of(Event const& event) {
    auto const kind = event.is_set()   ? ChangeKind::set
                      : event.is_del() ? ChangeKind::del
                                       : ChangeKind::nop;
    return Change{event.rev.value(), kind, event.path, event.value};
}

/// One of many operations that are outstanding at the same time.
struct Lane {
    Lane(Recorder& recorder, Plan const& plan, std::uint64_t seed)
        : session(recorder.new_session()), choice(seed, plan.folder) {}
    std::size_t session;
    Choice choice;
    std::atomic<bool> busy = false;
};

template <typename T>
Callback<T> completion(Recorder& recorder, Lane& lane, Op op) {
    return [&recorder, &lane, op = std::move(op)](Result<T> const& result) mutable {
        take(op, result);
        lane.choice.saw(op);
        recorder.end(op);
        lane.busy = false;
        lane.busy.notify_one();
    };
}

void start(Recorder& recorder, Client& client, Lane& lane) {
    Op op = lane.choice.next();
    op.session = lane.session;
    op = recorder.begin(op);
    if (op.kind == OpKind::del) {
        client.async_del(op.path, Revision(op.expected), completion<Done>(recorder, lane, op));
    } else if (is_read(op.kind)) {
        client.async_get(op.path, at(op), completion<File>(recorder, lane, op));
    } else {
        client.async_set(op.path, op.value, Revision(op.expected),
                         completion<Revision>(recorder, lane, op));
    }
}

}  // namespace

void run_blocking_client(Recorder& recorder, Plan const& plan, std::size_t number) {
    auto client = connect(plan, number);
    Choice choice(plan.seed * 1000 + number, plan.folder);
    std::size_t const session = recorder.new_session();
    while (client && !plan.stop) {
        std::this_thread::sleep_for(std::chrono::milliseconds(choice.think()));
        Op op = choice.next();
        op.session = session;
        op = recorder.begin(op);
        perform(*client, op);
        choice.saw(op);
        recorder.end(op);
    }
}

void run_asynchronous_client(Recorder& recorder, Plan const& plan, std::size_t number) {
    std::deque<Lane> lanes;
    for (std::uint64_t i = 0; i < 4; ++i) {
        lanes.emplace_back(recorder, plan, plan.seed * 1000 + number * 10 + i);
    }
    auto client = connect(plan, number);
    while (client && !plan.stop) {
        for (Lane& lane : lanes) {
            if (lane.busy.exchange(true)) continue;
            start(recorder, *client, lane);
        }
        std::this_thread::sleep_for(20ms);
    }
    for (Lane& lane : lanes) lane.busy.wait(true);
}

void run_blocking_watcher(Recorder& recorder, Plan const& plan, std::size_t number) {
    auto client = connect(plan, number);
    if (!client) return recorder.complain("a watcher found no server");
    auto watch = client->watch(plan.folder + "/**", Revision(plan.from));
    Watch told{plan.folder + "/", plan.from, {}, {}};
    while (watch.ok() && (told.told.empty() || told.told.back().path != plan.end_marker())) {
        auto const event = watch.value().next(120s);
        if (!event.ok()) {
            recorder.complain("a blocking watch ended: " + event.error().message());
            break;
        }
        told.told.push_back(change_of(event.value()));
        told.upto = told.told.back().rev;
    }
    recorder.add(told);
}

void run_callback_watcher(Recorder& recorder, Plan const& plan, std::size_t number) {
    std::mutex mutex;
    std::condition_variable changed;
    Watch told{plan.folder + "/", plan.from, {}, {}};
    bool over = false;
    auto client = connect(plan, number);
    if (!client) return recorder.complain("a watcher found no server");
    auto const watch =
        client->watch(plan.folder + "/**", Revision(plan.from), [&](Result<Event> const& event) {
            std::lock_guard const lock(mutex);
            if (over) return;
            if (event.ok()) {
                told.told.push_back(change_of(event.value()));
                told.upto = told.told.back().rev;
                over = told.told.back().path == plan.end_marker();
            } else {
                recorder.complain("a watch with a callback ended: " + event.error().message());
                over = true;
            }
            changed.notify_all();
        });
    std::unique_lock lock(mutex);
    while (!plan.stop) changed.wait_for(lock, 100ms);
    if (!changed.wait_for(lock, 120s, [&] { return over; })) {
        recorder.complain("a watch with a callback did not see the end");
    }
    recorder.add(told);
}

}  // namespace chaos
