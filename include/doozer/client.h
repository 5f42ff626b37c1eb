// A connection to a Doozer cluster. docs/client.md is the guide.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "doozer/at.h"
#include "doozer/error.h"
#include "doozer/event.h"
#include "doozer/uri.h"
#include "doozer/version.h"

namespace doozer {

// --- limits ------------------------------------------------------------------------------------
/// How many requests of one Client may be unanswered at a time; the next is refused with
/// limit_exceeded. A wait() that timed out counts until the server answers it after all.
inline constexpr std::size_t requests_outstanding_max = 65'536;
/// The same in bytes of paths and values.
inline constexpr std::size_t request_bytes_outstanding_max = 512UL * 1024 * 1024;
/// The longest path or glob in bytes that is sent; the server accepts fewer.
inline constexpr std::size_t request_path_bytes_max = 32'768;
/// The largest value in bytes that is sent; the server accepts -maxvalue, by default 1 MiB.
inline constexpr std::size_t request_value_bytes_max = 256UL * 1024 * 1024;
/// How many events of a Watch wait to be taken before it asks for no more until some were.
inline constexpr std::size_t watch_events_waiting_max = 1024;
/// The same in bytes of paths and values, beyond which no more are asked for.
inline constexpr std::size_t watch_bytes_waiting_max = 16UL * 1024 * 1024;

/// How much memory the result of one walk() or getdir() may take, about; a larger one ends with
/// limit_exceeded. Ask for parts of it then, with a narrower glob or walk_at().
inline constexpr std::size_t listing_bytes_max = 512UL * 1024 * 1024;

// --- options -----------------------------------------------------------------------------------
struct Options {
    /// The URI of the DzNS, the cluster in which the URI's `cn` is looked up: the addresses are
    /// what the files /ctl/ns/<cn>/* hold. Looked up again when the connection is lost and no
    /// member that the cluster itself has named answers.
    std::string boot_uri = {};
    /// A file with the certificates (PEM) that a server's certificate must be signed by, where a
    /// URI asks for TLS (`tl=1`); empty = what the system trusts. The certificate must be for the
    /// host or IP address that the URI, or the DzNS, names.
    std::string tls_authority_file = {};
    /// Whether to go to the addresses that the cluster names its members by, too.
    bool learn_addresses = true;
    /// Whether to go on when all servers that can be reached have another store than before, since
    /// they lost the old one or are of another cluster. If not set, every call that relies on what
    /// was met before ends with other_store, from then on. If set, only those calls that are
    /// outstanding end so, a Watch tells it as an error that is not its end, and the Client goes on
    /// as if it were new.
    bool begin_anew = false;
    /// How long connect() may take for all addresses together.
    std::chrono::milliseconds connect_timeout{5000};
    /// How long every single request may take, wait() excepted; not set = for ever. A read that
    /// takes longer ends with timeout, a write that was sent with unknown_outcome.
    std::optional<std::chrono::milliseconds> request_timeout = {};
    /// When the last request of this Client has to be over, wait() and all; not set = never.
    /// Requests after that end at once, as after request_timeout. A Watch is not ended.
    std::optional<std::chrono::steady_clock::time_point> deadline = {};
};

/// Receives the outcome of an asynchronous call, exactly once, on the library's own thread. While
/// it runs nothing else is received, so it should be short; it may start further asynchronous
/// calls, and must not throw. Blocking calls from within it are refused with would_deadlock. An
/// empty one is allowed.
template <typename T>
using Callback = std::function<void(Result<T>)>;

class Watch;

class DurableClient;

namespace client {
class Core;
}

// --- the client --------------------------------------------------------------------------------

/// A connection to a cluster that outlives its servers. Any number of threads may use one Client;
/// thousands of requests may be outstanding at once.
///
/// It talks to one server at a time. When the connection is lost, or nothing has been heard for 5
/// seconds, it goes to the next address, of those in the URI and those that the cluster has told
/// it, in turn and without end. Reads that are outstanding are asked again there, and watches go on
/// behind the last event that they delivered. Writes (set, del, nop) that were sent and not
/// answered complete with unknown_outcome, since they may or may not have been done; they are never
/// sent a second time. Writes that were not yet sent, and those that a server refused because it is
/// no member, is being stopped or lacks a quorum, are sent to the next server.
///
/// What it reads never goes back, whichever server answers. A server with another store than the
/// one that this Client has met first is left for one that has it; if there is none, what relies on
/// the old store ends with other_store, see Options::begin_anew. From an original doozerd, which
/// cannot tell stores apart, a revision below one that was met shows it; then the error is behind.
///
/// Every call comes in two forms. The blocking form returns the outcome. The form with the prefix
/// async_ returns at once and passes the outcome to a Callback; arguments are copied.
///
/// Every call may be refused with: timeout (if Options::request_timeout or deadline is set),
/// closed, limit_exceeded, and `other` "permission denied" (except rev, self and access). Blocking
/// calls also with would_deadlock, writes also with unknown_outcome and readonly. What else a call
/// may be refused with stands beside it. Source of all: docs/protocol.md.
class Client {
  public:
    /// Connects to the first address of the URI that answers and accepts the URI's secret.
    ///
    /// Error: invalid_uri (also `cn` without `ca` and without Options::boot_uri); connect_failed,
    /// at the latest after Options::connect_timeout, which names the addresses and why; `other`
    /// "permission denied" if the secret is wrong.
    static Result<Client> connect(std::string_view uri, Options const& options = {});
    static Result<Client> connect(Uri const& uri, Options const& options = {});

    /// Ends the connection: what is outstanding completes with closed (writes that were sent with
    /// unknown_outcome), callbacks included, before this returns. Watches end with closed.
    ~Client();
    Client(Client&&) noexcept;
    Client& operator=(Client&&) noexcept;

    // --- reading ---
    // `at`: which state of the tree is looked at, see there. Error: other_store, behind; with a
    // revision also too_late, with linear also readonly.

    /// A file's content. A path that is missing or malformed is no error: see File::exists.
    /// Error: isdir.
    Result<File> get(std::string_view path, At at = {});
    void async_get(std::string_view path, At at, Callback<File> done);

    /// What is at a path. A path that is missing or malformed is no error: see Stat::exists.
    Result<Stat> stat(std::string_view path, At at = {});
    void async_stat(std::string_view path, At at, Callback<Stat> done);

    /// The names (not paths) of a directory's entries, in byte order, all as of one revision.
    /// Error: notdir, noent.
    Result<std::vector<std::string>> getdir(std::string_view path, At at = {});
    void async_getdir(std::string_view path, At at, Callback<std::vector<std::string>> done);

    /// Every file whose path matches, in depth-first byte order, all as of one revision.
    /// In a glob, ? is any character but /, * any run of them, ** any run of characters.
    /// Error: `other` "invalid glob pattern: ...".
    Result<std::vector<Event>> walk(std::string_view glob, At at = {});
    void async_walk(std::string_view glob, At at, Callback<std::vector<Event>> done);

    /// One entry of what getdir and walk return, counted from 0. Error as for those, and range for
    /// an offset that is negative or behind the last one.
    Result<std::string> getdir_at(std::string_view path, std::int32_t offset, At at = {});
    void async_getdir_at(std::string_view path, std::int32_t offset, At at,
                         Callback<std::string> done);
    Result<Event> walk_at(std::string_view glob, std::int32_t offset, At at = {});
    void async_walk_at(std::string_view glob, std::int32_t offset, At at, Callback<Event> done);

    /// The newest revision that the server has applied; after a change of servers it may be lower
    /// than one that was met before. With linear at least that of every write that was answered
    /// anywhere before this call.
    Result<Revision> rev();
    Result<Revision> rev(Linear how);
    void async_rev(Callback<Revision> done);
    void async_rev(Linear how, Callback<Revision> done);

    /// The id of the server that answers.
    Result<std::string> self();
    void async_self(Callback<std::string> done);

    /// What the server knows of its cluster, members or not, quorum or not: a JSON document,
    /// docs/protocol.md, Status. Error: unknown_verb from an original doozerd.
    Result<std::string> status();
    void async_status(Callback<std::string> done);

    // --- writing ---
    // `condition`: the revision at which the caller has seen the file; missing if it must not
    // exist, clobber for no condition. Error: rev_mismatch if it has changed since; bad_path.

    /// Writes a file, and the directories above it as needed; returns the change's revision.
    /// Error: isdir, notdir.
    Result<Revision> set(std::string_view path, std::string_view value, Revision condition);
    void async_set(std::string_view path, std::string_view value, Revision condition,
                   Callback<Revision> done);

    /// Deletes a file, and the directories above it that become empty. Deleting what is missing is
    /// a success. Error: isdir.
    Result<Done> del(std::string_view path, Revision condition);
    void async_del(std::string_view path, Revision condition, Callback<Done> done);

    /// A change that changes nothing: takes a revision once a majority agrees to it.
    Result<Done> nop();
    void async_nop(Callback<Done> done);

    // --- waiting ---

    /// The first change at revision `from` or later whose path matches. Waits for it, for `timeout`
    /// at most if there is one. Error: timeout, too_late, other_store, behind, `other` "invalid
    /// glob pattern: ...".
    Result<Event> wait(std::string_view glob, Revision from,
                       std::optional<std::chrono::milliseconds> timeout = {});
    void async_wait(std::string_view glob, Revision from,
                    std::optional<std::chrono::milliseconds> timeout, Callback<Event> done);

    /// Every change from revision `from` on whose path matches, each once and in order, for as long
    /// as the Watch lives, across the loss of servers. Without `from`: every change that is applied
    /// after this call. To see files and then their changes without a gap, take one revision for
    /// both: r = rev(); walk(glob, r); watch(glob, r.next()).
    ///
    /// The Watch ends with an error that it delivers last: too_late if the server's history no
    /// longer holds the events that come next (the detail names the first revision that may be
    /// missing), other_store or behind if the servers came back without the store, `other` "invalid
    /// glob pattern: ...", closed. This call only fails if it has to ask for the present revision.
    ///
    /// With Options::begin_anew, other_store is not the end: next() returns it once (a callback
    /// gets it once), and then the changes of the new store, from its first one on if the server's
    /// history still holds that, else from the present one on. Forget what you know and list anew.
    Result<Watch> watch(std::string_view glob, std::optional<Revision> from = {});

    /// The same with a callback for every event and for the error that is the last. Never fails:
    /// all errors go to the callback.
    Watch watch(std::string_view glob, std::optional<Revision> from, Callback<Event> on_event);

    // --- the rest ---

    /// Presents a secret; what it grants is kept when the server changes.
    /// Error: `other` "permission denied"; that takes nothing away.
    Result<Done> access(std::string_view secret);
    void async_access(std::string_view secret, Callback<Done> done);

    /// Makes the server with this id, a member that has lost the majority for good, go on alone
    /// with the cluster of this name. Returns the revision from which it does. docs/operations.md,
    /// The majority is lost, says what that means. `others_are_dead`: although some were heard a
    /// short time ago. `leave_further`: although a process that is reached knows more and does not
    /// hand it over. Error: `other` "not forced: ..." with the reason, and nothing is done.
    Result<Revision> force(std::string_view cluster, std::string_view id, bool others_are_dead,
                           bool leave_further = false);
    void async_force(std::string_view cluster, std::string_view id, bool others_are_dead,
                     Callback<Revision> done);
    void async_force(std::string_view cluster, std::string_view id, bool others_are_dead,
                     bool leave_further, Callback<Revision> done);

    /// The address of the server that this Client is connected to, or tries to reach.
    [[nodiscard]] std::string address() const;

    /// How many connections there have been so far. Within a callback the outcome came over the
    /// last of them, so two outcomes with the same number are from the same server process.
    [[nodiscard]] std::uint64_t connections() const;

  private:
    friend class client::Core;
    friend class DurableClient;
    explicit Client(std::unique_ptr<client::Core> core);
    std::unique_ptr<client::Core> core_;
};

/// A stream of events, see Client::watch. Destroying it cancels it. It may outlive its Client.
class Watch {
  public:
    /// Cancels, see there.
    ~Watch();
    Watch(Watch&&) noexcept;
    Watch& operator=(Watch&&) noexcept;

    /// The next event, in order; waits for it, for `timeout` at most if there is one. For one
    /// thread at a time, and only for a Watch without a callback.
    /// Error: timeout, after which one can go on asking; any other is the end and stays.
    Result<Event> next(std::optional<std::chrono::milliseconds> timeout = {});

    /// Ends the watch: next() returns closed, the callback is not called again. Waits for a
    /// callback of this watch that is running, unless it is called from a callback.
    void cancel();

    struct State;
    explicit Watch(std::shared_ptr<State> state);  ///< for the library

  private:
    std::shared_ptr<State> state_;
};

}  // namespace doozer
