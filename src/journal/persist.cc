#include "journal/persist.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "base/limits.h"
#include "base/visible.h"

namespace doozer::journal {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds tick{1000};
constexpr milliseconds turn_max{100};
/// How long a server may be behind before it is taken for one of another cluster.
constexpr milliseconds patience{10'000};
constexpr milliseconds poll{100};
/// Before another compaction after one that failed.
constexpr milliseconds compaction_pause{60'000};
/// How many connections to our cluster are remembered: answers come over the last few.
constexpr std::size_t connections_kept = 16;

Error failed(std::string why) {
    return {Errc::other, std::move(why)};
}

Error failed(base::Error const& error) {
    return {Errc::other, error.detail};
}

}  // namespace

Persister::Persister(Client& client, Journal& journal, PersistOptions options, Metrics& metrics,
                     Log log)
    : client_(client),
      journal_(journal),
      options_(options),
      metrics_(metrics),
      log_(std::move(log)),
      stream_(client) {}

void Persister::stop() {
    stop_ = true;
    stream_.wake();
}

bool Persister::is_stopped_within(milliseconds time) {
    auto const end = steady_clock::now() + time;
    while (!stop_ && steady_clock::now() < end) stream_.take(std::min(time, poll));
    return stop_;
}

// --- journaling ----------------------------------------------------------------------------------

Result<Done> Persister::run() {
    if (!copy_first_) stream_.start(done_.next());
    for (bool first = copy_first_; !stop_; first = false) {
        auto const done = first ? copy() : turn();
        if (!done.ok() && !stop_) return explained(done.error());
    }
    return Done{};
}

Error Persister::explained(Error const& error) const {
    if (error.code != Errc::other_store) return error;
    return failed("the cluster at " + client_.address() +
                  " is not the one that was journaled: " + error.detail);
}

/// Takes what has arrived, writes it with one sync, acknowledges it.
Result<Done> Persister::turn() {
    auto batch = stream_.take(turn_max);
    for (Stream::Arrived const& arrived : batch.events) {
        auto const handled = handle(arrived);
        if (!handled.ok()) return handled.error();
        if (!*handled) {
            batch.end.reset();
            stream_.start(done_.next());
            break;
        }
    }
    if (auto const done = commit(); !done.ok()) return failed(done.error());
    if (batch.end && batch.end->code == Errc::too_late) {
        log_("revision " + std::to_string(done_.next().value()) +
             " is no longer in the cluster's history: copying what has changed");
        if (auto const done = copy(); !done.ok()) return done.error();
    } else if (batch.end && batch.end->code == Errc::behind) {
        // No server that is known has got as far; whether it is ours shows when it has.
        if (auto const ours = recognise_cluster(); !ours.ok()) return ours.error();
        stream_.start(done_.next());
    } else if (batch.end) {
        return *batch.end;
    }
    acknowledgements_->send(journal_.index());
    if (auto const done = compact(); !done.ok()) return done.error();
    if (steady_clock::now() < next_tick_) return Done{};
    next_tick_ = steady_clock::now() + tick;
    ask_for_revision();
    if (connections_.contains(client_.connections())) return Done{};
    return recognise_cluster();
}

/// False if the event is not to be trusted and must be asked for again.
Result<bool> Persister::handle(Stream::Arrived const& arrived) {
    auto const ours = is_from_our_cluster(arrived.connection);
    if (!ours.ok() || !*ours) return ours;
    Event const& event = arrived.event;
    if (event.rev > token_rev_ && event.path == token_path() && event.value != token_)
        return failed("the number " + std::to_string(instance_) + " is somebody else's now");
    if (event.kind != Event::Kind::nop && !is_control(event.path)) {
        Mutation mutation{base::Revision(event.rev.value()), event.path, std::nullopt};
        if (event.is_set()) mutation.value = event.value;
        add(mutation);
    }
    done_ = event.rev;
    if (journal_.group_bytes() < base::journal_group_bytes_max) return true;
    if (auto const done = commit(); !done.ok()) return failed(done.error());
    return true;
}

void Persister::add(Mutation const& mutation) {
    if (!Journal::fits(mutation)) {
        ++metrics_.changes_too_large;
        log_("revision " + std::to_string(mutation.rev.value()) + ", " +
             std::string(mutation.path) + ", is too large for a record: it is NOT journaled");
        return;
    }
    journal_.add(mutation);
    std::optional<Revision> rev;
    if (mutation.is_set()) rev = Revision(mutation.rev.value());
    group_.push_back({std::string(mutation.path), rev});
    if (!options_.print) return;
    std::string const text = to_text(mutation);
    printed_.append(is_terminal_ ? base::visible_text(text) : text).append("\n");
}

base::Result<base::Done> Persister::commit() {
    if (!group_.empty()) {
        auto const began = steady_clock::now();
        std::size_t const bytes = journal_.group_bytes();
        DOOZER_TRY([[maybe_unused]] auto const committed, journal_.commit());
        metrics_.sync_nanoseconds += static_cast<std::uint64_t>(
            std::chrono::nanoseconds(steady_clock::now() - began).count());
        ++metrics_.syncs;
        metrics_.records += group_.size();
        metrics_.record_bytes += bytes;
        if (acknowledgements_) {
            for (Pending const& pending : group_) acknowledgements_->add(pending.path, pending.rev);
            acknowledgements_->add_all_to(done_);
            acknowledgements_->send(journal_.index());
        }
        group_.clear();
        std::fwrite(printed_.data(), 1, printed_.size(), stdout);
        std::fflush(stdout);
        printed_.clear();
    }
    metrics_.revision_journaled = journal_.index().last().rev.value();
    metrics_.revision_done = done_.value();
    metrics_.journal_bytes = journal_.bytes();
    metrics_.journal_live_bytes = journal_.index().live_bytes();
    metrics_.journal_files = journal_.index().files().size();
    metrics_.note_lag(steady_clock::now());
    return base::Done{};
}

/// Copies what the history no longer tells, and goes on from there.
Result<Done> Persister::copy() {
    CopyTarget const target{journal_, [this](Mutation const& m) { add(m); },
                            [this]() -> Result<Done> {
                                auto const done = recognise_cluster();
                                if (done.ok() && stop_) return failed("stopped");
                                return done;
                            },
                            [this] { return commit(); }};
    auto const at = copy_difference(client_, target);
    if (!at.ok()) return at.error();
    done_ = *at;
    if (acknowledgements_) acknowledgements_->add_all_to(done_);
    stream_.start(done_.next());
    return Done{};
}

Result<Done> Persister::compact() {
    if (journal_.is_compacting()) {
        auto const step = journal_.finish_compaction();
        if (!step.ok()) return failed(step.error());
        if (step.value().taken) {
            ++metrics_.compactions;
            metrics_.journal_bytes = journal_.bytes();
        } else if (!step.value().failed.empty()) {
            ++metrics_.compactions_failed;
            log_("the journal is not compacted: " + step.value().failed);
            next_compaction_ = steady_clock::now() + compaction_pause;
        }
    } else if (journal_.is_oversized(options_.slack) && steady_clock::now() >= next_compaction_) {
        journal_.start_compaction();
    }
    return Done{};
}

void Persister::ask_for_revision() {
    metrics_.connections = client_.connections();
    client_.async_rev([&metrics = metrics_](Result<Revision> const& rev) {
        if (!rev.ok()) return;
        auto const now = steady_clock::now();
        metrics.revision_cluster = rev->value();
        metrics.nanoseconds_heard = std::chrono::nanoseconds(now.time_since_epoch()).count();
        metrics.note_lag(now);
    });
}

// --- whose events these are ----------------------------------------------------------------------

/// A server may be replaced by one of a cluster that was founded anew, under the same address and
/// with the same revisions for other changes.
Result<bool> Persister::is_from_our_cluster(std::uint64_t connection) {
    while (!connections_.contains(connection)) {
        if (!connections_.empty() && connection < *connections_.rbegin()) return false;
        auto const done = recognise_cluster();
        if (!done.ok()) return done.error();
        if (stop_) return false;
    }
    return true;
}

/// Our file must be there; a server that is behind may take a while to have it.
Result<Done> Persister::recognise_cluster() {
    auto const end = steady_clock::now() + patience;
    while (!stop_) {
        std::uint64_t const connection = client_.connections();
        auto const rev = client_.rev();
        if (!rev.ok()) return rev.error();
        auto const file = client_.get(token_path());
        bool const is_behind =
            *rev < std::max(token_rev_, done_) || (!file.ok() && file.error().code == Errc::behind);
        if (!file.ok() && !is_behind) return file.error();
        if (client_.connections() != connection) continue;
        if (!is_behind && file->value == token_) {
            connections_.insert(connection);
            if (connections_.size() > connections_kept) connections_.erase(connections_.begin());
            return Done{};
        }
        if (!is_behind || steady_clock::now() >= end)
            return failed("the cluster at " + client_.address() +
                          " is not the one that was journaled: it was founded anew, or the "
                          "number " +
                          std::to_string(instance_) + " is somebody else's now");
        stream_.pause(poll);
    }
    return Done{};
}

}  // namespace doozer::journal
