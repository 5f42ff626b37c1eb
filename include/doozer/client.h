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
/// How many requests of one Client may be unanswered at a time; the Client refuses further ones
/// with limit_exceeded. A wait() that timed out counts until the server answers it.
inline constexpr std::size_t requests_outstanding_max = 65'536;
/// The same in bytes of paths and values.
inline constexpr std::size_t request_bytes_outstanding_max = 512UL * 1024 * 1024;
/// The longest path or glob, in bytes, that the library sends; the server accepts fewer bytes.
inline constexpr std::size_t request_path_bytes_max = 32'768;
/// The largest value, in bytes, that the library sends; the server accepts -maxvalue, by default 1
/// MiB.
inline constexpr std::size_t request_value_bytes_max = 256UL * 1024 * 1024;
/// How many events of a Watch may wait before it stops asking for more, until some are taken.
inline constexpr std::size_t watch_events_waiting_max = 1024;
/// The same in bytes of paths and values.
inline constexpr std::size_t watch_bytes_waiting_max = 16UL * 1024 * 1024;

/// About how much memory the result of one walk() or getdir() may take; a larger one ends with
/// limit_exceeded. Then ask for parts of it, with a narrower glob or walk_at().
inline constexpr std::size_t listing_bytes_max = 512UL * 1024 * 1024;

// --- options -----------------------------------------------------------------------------------
struct Options {
    /// The URI of the DzNS, the cluster in which the client looks up the URI's `cn`: the addresses
    /// are in the files /ctl/ns/<cn>/*. The client looks them up again when the connection is lost
    /// and no member that the cluster itself has named answers.
    std::string boot_uri = {};
    /// A file with certificates (PEM), one of which must have signed the server's certificate if
    /// the
    /// URI asks for TLS (`tl=1`); empty = those that the system trusts. The server's certificate
    /// must be for the host or IP address that the URI, or the DzNS, names.
    std::string tls_authority_file = {};
    /// Whether to use the addresses by which the cluster names its members, too.
    bool learn_addresses = true;
    /// Whether to go on when all servers within reach have another store than before, because they
    /// lost the old one or are of another cluster. If not set, every call that relies on the old
    /// store ends with other_store from then on. If set, only the outstanding calls end so; a Watch
    /// returns it as an error that is not its end, and the Client goes on as if it were new.
    bool begin_anew = false;
    /// How long connect() may take for all addresses together.
    std::chrono::milliseconds connect_timeout{5000};
    /// How long every single request except wait() may take; not set = without limit. A read that
    /// takes longer ends with timeout, a write that was sent with unknown_outcome.
    std::optional<std::chrono::milliseconds> request_timeout = {};
    /// When all requests of this Client, wait() included, must have ended; not set = never. Later
    /// requests end at once, as after request_timeout. A Watch goes on.
    std::optional<std::chrono::steady_clock::time_point> deadline = {};
};

/// Receives the outcome of an asynchronous call, exactly once, on the library's own thread. While
/// it runs the library receives nothing else, so keep it short. It may start further asynchronous
/// calls, and must not throw. The library refuses blocking calls from within it with
/// would_deadlock. It may be empty.
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
/// It talks to one server at a time. When the connection is lost, or it has heard nothing for 5
/// seconds, it goes to the next address, of those in the URI and those that the cluster has named,
/// in turn and without end. There it asks outstanding reads again, and its watches go on after the
/// last event that they delivered. Writes (set, del, nop) that were sent and not answered complete
/// with unknown_outcome, since they may or may not have been done; the Client never sends them a
/// second time. It sends writes to the next server that were not sent yet, or that a server refused
/// because it is no member, is being stopped or lacks a quorum.
///
/// Its reads never go back, whichever server answers. If a server has another store than the one
/// that this Client met first, the Client looks for a server that has it. If there is none, calls
/// that rely on the old store end with other_store; see Options::begin_anew. An original doozerd
/// cannot tell stores apart: there only a revision below one that was met shows it, and the error
/// is behind.
///
/// Every call comes in two forms. The blocking form returns the outcome. The form with the prefix
/// async_ returns at once and passes the outcome to a Callback; arguments are copied.
///
/// Every call may be refused with: timeout (if Options::request_timeout or deadline is set),
/// closed, limit_exceeded, and `other` "permission denied" (except rev, self and access). Blocking
/// calls also with would_deadlock, writes also with unknown_outcome and readonly. The comment of
/// each call lists its other errors. Source: docs/protocol.md.
class Client {
  public:
    /// Connects to the first address of the URI that answers and accepts the URI's secret.
    ///
    /// Error: invalid_uri (also `cn` without `ca` and without Options::boot_uri); connect_failed,
    /// after Options::connect_timeout at the latest, with the addresses and reasons; `other`
    /// "permission denied" if the secret is wrong.
    static Result<Client> connect(std::string_view uri, Options const& options = {});
    static Result<Client> connect(Uri const& uri, Options const& options = {});

    /// Ends the connection: outstanding calls complete with closed (writes that were sent with
    /// unknown_outcome), callbacks included, before this returns. Watches end with closed.
    ~Client();
    Client(Client&&) noexcept;
    Client& operator=(Client&&) noexcept;

    // --- reading ---
    // `at`: the state of the tree to read; see At. Error: other_store, behind; with a revision also
    // too_late, with linear also readonly.

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

    /// One entry of the result of getdir and walk, counted from 0. Error as for those, and range
    /// for
    /// an offset that is negative or after the last one.
    Result<std::string> getdir_at(std::string_view path, std::int32_t offset, At at = {});
    void async_getdir_at(std::string_view path, std::int32_t offset, At at,
                         Callback<std::string> done);
    Result<Event> walk_at(std::string_view glob, std::int32_t offset, At at = {});
    void async_walk_at(std::string_view glob, std::int32_t offset, At at, Callback<Event> done);

    /// The newest revision that the server has applied. After a change of servers it may be lower
    /// than one that was met before. With linear it is at least that of every write that was
    /// answered anywhere before this call.
    Result<Revision> rev();
    Result<Revision> rev(Linear how);
    void async_rev(Callback<Revision> done);
    void async_rev(Linear how, Callback<Revision> done);

    /// The id of the server that answers.
    Result<std::string> self();
    void async_self(Callback<std::string> done);

    /// What the server knows of its cluster, whether it is a member or not, with a quorum or
    /// without:
    /// a JSON document (docs/protocol.md, Status). Error: unknown_verb from an original doozerd.
    Result<std::string> status();
    void async_status(Callback<std::string> done);

    // --- writing ---
    // `condition`: the revision at which the caller has seen the file; missing if it must not
    // exist, clobber for no condition. Error: rev_mismatch if it has changed since; bad_path.

    /// Writes a file, and creates the directories above it; returns the change's revision.
    /// Error: isdir, notdir.
    Result<Revision> set(std::string_view path, std::string_view value, Revision condition);
    void async_set(std::string_view path, std::string_view value, Revision condition,
                   Callback<Revision> done);

    /// Deletes a file, and the directories above it that become empty. To delete a missing file is
    /// a
    /// success. Error: isdir.
    Result<Done> del(std::string_view path, Revision condition);
    void async_del(std::string_view path, Revision condition, Callback<Done> done);

    /// A change of nothing: takes a revision when a majority agrees to it.
    Result<Done> nop();
    void async_nop(Callback<Done> done);

    // --- waiting ---

    /// The first change at revision `from` or later whose path matches. Waits for it, at most for
    /// `timeout` if given. Error: timeout, too_late, other_store, behind, `other` "invalid glob
    /// pattern: ...".
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
    /// longer holds the next events (the detail names the first revision that may be missing),
    /// other_store or behind if the servers came back without the store, `other` "invalid glob
    /// pattern: ...", closed. This call fails only if it has to ask for the present revision.
    ///
    /// With Options::begin_anew, other_store is not the end: next() returns it once (a callback
    /// gets it once), and then the changes of the new store, from the first one if the server's
    /// history still holds it, otherwise from the present one. Forget what you know and list anew.
    Result<Watch> watch(std::string_view glob, std::optional<Revision> from = {});

    /// The same with a callback for every event and for the last error. Never fails: all errors go
    /// to the callback.
    Watch watch(std::string_view glob, std::optional<Revision> from, Callback<Event> on_event);

    // --- the rest ---

    /// Presents a secret. The Client keeps its rights when the server changes.
    /// Error: `other` "permission denied"; the Client keeps the rights that it has.
    Result<Done> access(std::string_view secret);
    void async_access(std::string_view secret, Callback<Done> done);

    /// Makes the server with this id, a member that has lost the majority for good, go on alone
    /// with
    /// the cluster of this name. Returns the revision from which it goes on. docs/operations.md,
    /// The majority is lost, says what that means. `others_are_dead`: even if some were heard a
    /// short time ago. `leave_further`: even if a process within reach knows more and does not hand
    /// it over. Error: `other` "not forced: ..." with the reason; then nothing was done.
    Result<Revision> force(std::string_view cluster, std::string_view id, bool others_are_dead,
                           bool leave_further = false);
    void async_force(std::string_view cluster, std::string_view id, bool others_are_dead,
                     Callback<Revision> done);
    void async_force(std::string_view cluster, std::string_view id, bool others_are_dead,
                     bool leave_further, Callback<Revision> done);

    /// The address of the server that this Client is connected to, or tries to reach.
    [[nodiscard]] std::string address() const;

    /// How many connections there have been so far. The outcome that a callback gets came over the
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

    /// The next event, in order. Waits for it, at most for `timeout` if given. For one thread at a
    /// time, and only for a Watch without a callback.
    /// Error: timeout, after which you can ask again; any other error is the end and stays.
    Result<Event> next(std::optional<std::chrono::milliseconds> timeout = {});

    /// Ends the watch: next() returns closed, and no further callback is made. Waits for a running
    /// callback of this watch, unless it is called from a callback.
    void cancel();

    struct State;
    explicit Watch(std::shared_ptr<State> state);  ///< for the library

  private:
    std::shared_ptr<State> state_;
};

}  // namespace doozer
