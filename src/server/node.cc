#include "server/node.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <csignal>
#include <utility>

#include "base/assert.h"
#include "journal/reader.h"
#include "net/manager.h"
#include "server/clock.h"
#include "server/entropy.h"
#include "server/flight_files.h"
#include "server/log_gate.h"
#include "server/machine.h"

namespace doozer::server {
namespace {

/// How many handlers one turn runs at most, so that replies do not wait without end while
/// requests keep coming.
constexpr int handlers_per_turn = 1024;
/// A turn that has brought more than this ends: what it made waits in memory, and others wait too.
constexpr std::size_t turn_requests_max = 32'768;
constexpr std::size_t turn_reply_bytes_max = 8 * MiB;
/// A turn that has gone on for so long ends: others wait for what it has to say.
constexpr Duration handlers_time_max = milliseconds(2);
/// How long a process that is to join a cluster tries to reach it.
constexpr Duration attach_within = seconds(5);
/// And how often one says that it reaches others, and waits for a copy.
constexpr Duration say_again_after = seconds(60);

/// One budget: a quarter at most for the history, a quarter for buffers and requests that wait,
/// and what is left, at least a half, for the tree.
store::StoreLimits store_limits(Options const& options) {
    store::StoreLimits limits;
    limits.history_revisions = options.history_revisions;
    limits.history_bytes = std::min(options.history_bytes, options.memory_bytes / 4);
    limits.tree_bytes = options.memory_bytes - options.memory_bytes / 4 - limits.history_bytes;
    return limits;
}

/// What is kept for members that are behind, and for the flight recorder: small shares, since both
/// are there for minutes at most.
std::size_t log_bytes(Options const& options) {
    return std::min(log_bytes_default, options.memory_bytes / 64);
}
wire::FlightRecorder::Bounds flight_bounds(Options const& options) {
    return {.bytes = std::min(flight_segment_bytes, options.memory_bytes / 256)};
}

}  // namespace

Node::Node(Options options, Release release)
    : options_(std::move(options)),
      release_(std::move(release)),
      loop_(1),
      signals_(loop_, SIGINT, SIGTERM),
      recording_wanted_(loop_, SIGUSR1),
      reload_wanted_(loop_, SIGHUP),
      timer_(loop_),
      recorder_(flight_bounds(options_)),
      listener_(
          loop_, [this](net::tcp::socket socket) { on_accept(std::move(socket)); },
          [](std::string const& why) {
              log_gate::warn(LogKind::connection_refused, "refused a connection: {}", why);
          }),
      descriptors_(share_descriptors(raise_descriptor_limit())),
      names_timer_(loop_) {}

Result<Done> Node::prepare() {
    std::optional<net::TlsServer::Files> files;
    if (!options_.tls_certificate_file.empty()) {
        files = {options_.tls_certificate_file, options_.tls_key_file};
    }
    auto const keys = ClusterSide::keys_of(options_.secrets.cluster);
    if (files || !keys.empty()) {
        DOOZER_TRY(tls_, net::TlsServer::make(files, keys));
    }
    if (files) {
        DOOZER_TRY(web_tls_, net::TlsServer::make(files, {}, web_protocol));
    }
    if (!options_.tls_authority_file.empty()) {
        DOOZER_TRY([[maybe_unused]] auto const trusted,
                   net::TlsClient::trusting(options_.tls_authority_file));
    }
    DOOZER_TRY([[maybe_unused]] Done const read, read_journal());
    DOOZER_TRY([[maybe_unused]] Done const listening, listener_.listen(options_.listen));
    return prepare_web();
}

/// What the cluster is to begin with, if it is to begin with anything.
Result<Done> Node::read_journal() {
    if (options_.restore_file.empty()) return Done{};
    DOOZER_TRY(journal::Tree tree, journal::read_tree(options_.restore_file));
    std::string const& name = options_.restore_file;
    // Changes of revision 0 are of no cluster: their files get the first one.
    if (!tree.files.empty()) tree.last = std::max(tree.last, Revision(1));
    if (tree.last <= missing) return Error{Errc::other, name + ": holds no change"};
    if (tree.last > replica::restored_to_max) {
        return Error{Errc::other,
                     name + ": no cluster gets to revision " + std::to_string(tree.last.value())};
    }
    std::size_t bytes = 0;
    for (auto& [path, file] : tree.files) {
        auto const bad = [&, &at = path](char const* why) {
            return Error{Errc::other, std::string(name).append(": ").append(at).append(why)};
        };
        if (file.rev <= missing) file.rev = Revision(1);
        if (file.value.size() > options_.value_bytes_max) {
            return bad(" is larger than -maxvalue allows");
        }
        bytes += path.size() + file.value.size();
        restored_.push_back({path, file.rev, std::move(file.value)});
    }
    if (bytes > store_limits(options_).tree_bytes / 2) {
        return Error{Errc::other, name + ": more than -maxmem has room for"};
    }
    restored_to_ = tree.last;
    if (!tree.torn.empty()) spdlog::warn("{}; it is left out", tree.torn);
    spdlog::info("restored {} files of revision {} from {}", restored_.size(), tree.last.value(),
                 name);
    return Done{};
}

Result<Done> Node::run() {
    begin();
    while (!is_over()) take_turn();
    listener_.stop();
    if (names_) names_->tell(name_self());  // for its farewell: what it is now
    if (failure_) return *failure_;
    if (web_) web_->stop();
    for (auto const& [id, session] : sessions_) session->flush();
    log_gate::write_all_summaries();
    spdlog::info("stopped by {} at revision {}", stop_signal_ == SIGINT ? "SIGINT" : "SIGTERM",
                 replica_->store().revision().value());
    return Done{};
}

void Node::begin() {
    now_ = monotonic_now();
    ProcessId const id = new_process_id();
    is_joining_ = !options_.attach.empty() || !options_.boot_uri.empty();
    start_replica(id, !is_joining_);
    cluster_.emplace(loop_, read_buffer_, options_, release_.member_protocol,
                     [this](replica::Input const& input) { step_now(input); });
    cluster_->begin(id, advertised());
    step(replica::Started{});
    perform_cluster();
    if (!options_.attach.empty()) {
        attach_by_ = now_ + attach_within;
    } else if (is_joining_) {
        look_up_cluster();
    }
    set_deadline();
    await_signals();
    await_recordings_wanted();
    await_reloads();
    listener_.start();
    if (web_) web_->start();
    spdlog::info("doozerd {} {} {} cluster {} and listens on {}", release_.version, id,
                 is_joining_ ? "looks for" : "founded", options_.cluster_name,
                 net::to_string(listener_.address()));
    if (web_) {
        spdlog::info("the web view is at {}://{}/", web_tls_ ? "https" : "http",
                     net::to_string(web_->address()));
    }
}

net::Address Node::advertised() const {
    return options_.advertise ? *options_.advertise : listener_.address();
}

/// In place of one that served nobody, if there is one already. REQUIRES: no link stands.
void Node::start_replica(ProcessId const& id, bool founds) {
    replica::Options options;
    options.identity.id = id;
    options.identity.cluster_name = options_.cluster_name;
    options.identity.address = net::to_string(advertised());
    options.identity.hostname = hostname();
    options.identity.version = release_.version;
    options.rules = release_.rules;
    options.access = access();
    options.store = store_limits(options_);
    options.pulse = options_.pulse;
    options.value_bytes_max = options_.value_bytes_max;
    options.lineage = {random_number(), random_number()};
    options.tuning.suspicion_cap = options_.fill;
    options.tuning.kick_after = options_.timeout;
    options.tuning.log_bytes = log_bytes(options_);
    options.founds = founds;
    if (founds) {
        options.restored = std::move(restored_);
        options.restored_to = restored_to_;
    } else {
        for (net::Address const& address : options_.attach) {
            options.attach_to.push_back(net::to_string(address));
        }
    }
    recorder_ = wire::FlightRecorder(flight_bounds(options_));
    options.recorder = &recorder_;
    replica_ = std::make_unique<replica::Replica>(std::move(options));
    record_failures(recorder_, replica_->core());
    for (auto const& [session, unused] : sessions_) step(replica::SessionOpened{session});
}

void Node::await_recordings_wanted() {
    recording_wanted_.async_wait([this](net::error_code const& error, int) {
        if (error) return;
        spdlog::info("flight recording: {}", write_recording(recorder_, replica_->core()));
        await_recordings_wanted();
    });
}

/// A process with a complete copy listens to clients while it has room for their requests.
bool Node::hears_clients() const {
    return replica_->serving() && replica_->proposed_bytes() <= proposals_bytes_pause;
}

/// What the replica wants of other members, and what the members' side makes of it.
void Node::perform_cluster() {
    for (consensus::TraceEvent const& e : effects_.trace) {
        if (e.what != consensus::Happened::diverged) continue;
        std::string const file = write_recording(recorder_, replica_->core());
        failure_ = Error{Errc::other,
                         "no majority of the members has this copy: stopped; "
                         "flight recording: " +
                             file};
    }
    note_events();
    cluster_->perform(effects_);
    for (SessionId const id : std::exchange(effects_.lost, {})) {
        auto const found = sessions_.find(id);
        if (found != sessions_.end()) {
            remove(*found->second);
        } else if (web_) {
            web_->on_lost(id);
        }
    }
}

/// Connections that began as members' do go to where members are.
void Node::adopt_members() {
    for (SessionId const id : std::exchange(arrived_, {})) {
        auto const found = sessions_.find(id);
        if (found == sessions_.end()) continue;
        std::shared_ptr<net::Connection> connection = found->second->take_connection();
        step(replica::SessionClosed{id});
        buffered_bytes_ -= found->second->counted_bytes;
        ranks_.leave(found->second->place);
        sessions_.erase(found);
        cluster_->adopt(std::move(connection));
    }
}

/// Whether this process can ever do what it was started for.
void Node::judge() {
    if (!told_manager_ && replica_->serving()) {
        told_manager_ = true;
        net::notify_manager("READY=1\nSTATUS=" + cluster_->id() + " serves cluster " +
                            options_.cluster_name);
    }
    if (replica_->is_outdated()) {
        failure_ = Error{Errc::other, fmt::format("cluster {} applies changes by rules {}, which "
                                                  "doozerd {} does not know: start a newer one",
                                                  options_.cluster_name, replica_->state().rules(),
                                                  release_.version)};
        return;
    }
    if (std::exchange(rules_, replica_->state().rules()) != rules_) {
        spdlog::info("{}: changes are applied by rules {} after revision {}", cluster_->id(),
                     rules_, replica_->store().revision().value());
    }
    if (!is_joining_) return;
    auto const cannot = [this](std::string why) { failure_ = Error{Errc::other, std::move(why)}; };
    if (replica_->serving()) {
        is_joining_ = false;
        attach_by_ = never;
        if (restored_to_ > missing) {
            return cannot("-restore: cluster " + options_.cluster_name +
                          " lives: it has members that answer");
        }
        spdlog::info("{} follows cluster {} from revision {}", cluster_->id(),
                     options_.cluster_name, replica_->store().revision().value());
        // Found by -a: to be registered as a member all the same.
        if (!options_.boot_uri.empty() && !names_) look_up_cluster();
    } else if (names_) {
        return;  // it looks for as long as it takes
    } else if (cluster_->refused()) {
        cannot(*cluster_->refused());
    } else if (now_ >= attach_by_ && cluster_->linked() > 0) {
        attach_by_ = now_ + say_again_after;
        spdlog::warn("{}: no copy yet from the {} that it is linked with: waiting", cluster_->id(),
                     cluster_->linked());
    } else if (now_ >= attach_by_) {
        attach_by_ = never;
        if (!options_.boot_uri.empty()) return look_up_cluster();
        cannot("cannot attach: " + (cluster_->last_failure().empty() ? std::string("nobody answers")
                                                                     : cluster_->last_failure()));
    }
}

/// Waits for something to happen, lets happen what else is there, and answers it all together.
void Node::take_turn() {
    bool const something_to_do = effects_.more_to_do || !active_.empty() || web_busy_;
    is_idle_ = (something_to_do ? loop_.poll_one() : loop_.run_one()) == 0;
    now_ = monotonic_now();  // once a turn: nothing in it takes long
    Instant const began = now_;
    for (int n = 1; n < handlers_per_turn && !turn_is_long() && loop_.poll_one() > 0; ++n) {
        if (monotonic_now() - began > handlers_time_max) break;
    }
    end_turn();
    add_time(metrics_.turn_time, monotonic_now() - began);
}

/// Whether those who have asked should be answered before others are heard.
bool Node::turn_is_long() const {
    return replica_->proposed_bytes() > turn_proposals_bytes ||
           turn_requests_ > turn_requests_max || turn_reply_bytes_ > turn_reply_bytes_max ||
           over_budget();  // what is too much is given back when the turn ends
}

void Node::end_turn() {
    now_ = monotonic_now();  // at least that of the timer that woke the loop
    adopt_members();
    answer_held_web();
    if (effects_.wants_lineage) step(replica::Force{{random_number(), random_number()}});
    std::size_t const proposed_bytes = replica_->proposed_bytes();
    step(replica::TurnEnded{});
    perform_cluster();
    cluster_->flush();
    judge();
    metrics_.batch_bytes += proposed_bytes;
    if (Revision const applied = replica_->store().revision(); applied > counted_) {
        Revision const before = std::exchange(counted_, applied);
        metrics_.batch_changes.add(static_cast<std::uint64_t>(applied.value() - before.value()));
        now_ = monotonic_now();
    }
    perform_replies();
    if (web_) web_busy_ = web_->work(is_idle_);
    status_.reset();
    turn_requests_ = turn_reply_bytes_ = 0;
    // Only now, so that all that a session is told in this turn goes out with one system call.
    for (SessionId const id : std::exchange(active_, {})) {
        if (auto const found = sessions_.find(id); found != sessions_.end()) finish(*found->second);
    }
    for (SessionId const id : std::exchange(stopped_, {})) {
        auto const found = sessions_.find(id);
        if (found == sessions_.end()) continue;
        found->second->is_stopped = false;
        look_after(*found->second);
    }
    end_handshakes();
    if (over_budget()) free_memory();
    log_gate::write_summaries(now_);
    set_deadline();
}

void Node::finish(ClientSession& session) {
    session.is_active = false;
    if (!session.is_held) session.flush();
    look_after(session);
}

/// What becomes of a session after what happened in this turn.
void Node::look_after(ClientSession& session) {
    if (session.is_held && now_ >= session.held_until) {
        session.is_held = false;
        session.flush();
    }
    bool const done = session.all_sent() && !replica_->is_searching(session.id());
    if (session.is_ending && (done || now_ >= session.ends_at)) return remove(session);
    session.read_if_possible(replica_->kept_bytes(session.id()));
    account(session);
    if (session.paused() && !std::exchange(session.is_stopped, true)) {
        stopped_.push_back(session.id());
    }
}

void Node::step(replica::Input const& input) {
    replica_->step(now_, input, effects_);
}

/// What another member sends is stamped when it is read. The time of this turn is that of the end
/// of the last one until the first handler has run: after an idle while a message would seem to be
/// old already, so that a round trip takes no time, and what it announces is overdue at once, which
/// ends in a seal.
void Node::step_now(replica::Input const& input) {
    now_ = monotonic_now();
    step(input);
}

void Node::perform_replies() {
    ClientSession* session = nullptr;  // replies to one session mostly come together
    for (replica::Reply& reply : effects_.replies) {
        complete(reply);
        metrics_.answered(reply.verb, reply.error, now_ - reply.asked);
        if (session == nullptr || session->id() != reply.session) {
            auto const found = sessions_.find(reply.session);
            if (found == sessions_.end()) {
                answer_web(reply);
                continue;
            }
            session = found->second.get();
        }
        turn_reply_bytes_ += session->append(reply);
        if (reply.verb == Verb::access) on_access_answered(*session, reply);
        on_activity(*session);
    }
    effects_.replies.clear();
}

void Node::on_activity(ClientSession& session) {
    ranks_.heard(session.place);
    if (!std::exchange(session.is_active, true)) active_.push_back(session.id());
}

void Node::on_request(ClientSession& session, Request const& request) {
    // The first of a turn: the time is still that of the end of the last one, perhaps long ago.
    if (turn_requests_++ == 0) now_ = monotonic_now();
    bool const entitled = session.place.rank == ClientRanks::Rank::entitled;
    if (!entitled && !admit(session)) return;
    step(replica::ClientRequest{session.id(), request});
    perform_replies();
    if (!entitled) rank(session);
}

void Node::set_deadline() {
    Instant deadline =
        std::min({effects_.deadline, attach_by_, stop_by_, log_gate::instance().next_due()});
    if (!handshakes_.empty()) deadline = std::min(deadline, handshakes_.front().first);
    if (!held_web_.empty()) deadline = std::min(deadline, held_web_.begin()->first);
    for (SessionId const id : stopped_) {
        auto const found = sessions_.find(id);
        if (found == sessions_.end()) continue;
        ClientSession const& session = *found->second;
        deadline = std::min(deadline, session.ends_at);
        if (session.is_held) deadline = std::min(deadline, session.held_until);
    }
    // One that has become later is found out when the timer goes off: to move it would wake the
    // loop.
    if (deadline >= deadline_set_) return;
    deadline_set_ = deadline;
    timer_.expires_at(to_time_point(deadline));
    // It only wakes the loop: the turn that follows looks at the time.
    timer_.async_wait([this](net::error_code const& cancelled) {
        if (!cancelled) deadline_set_ = never;
    });
}

}  // namespace doozer::server
