// A network between processes at fixed addresses that is as hostile as TCP allows, and the links of
// members on it as server/member_links.h makes them.
//
// A link is two connections, one for frames and one for bulk. Each keeps its order and loses
// nothing while it lives; between the two there is no order. Each end believes in a link by itself:
// it may keep one that the other end has lost, until it hears nothing for `dead_after`, the other
// end dials again, or its own messages are answered by a reset.
#pragma once

#include <array>
#include <deque>
#include <optional>
#include <vector>

#include "base/prng.h"
#include "consensus/core.h"
#include "sim/schedule.h"
#include "wire/member_routes.h"

namespace doozer::sim {

using namespace consensus;

using Address = std::size_t;

/// A message on its way, and its size when encoded.
struct Parcel {
    Message message;
    std::size_t bytes = 0;
};

/// Called from within the schedule with what happens at a process.
class Hosts {
  public:
    virtual ~Hosts() = default;
    virtual void link_up(Address at, Address peer) = 0;
    virtual void link_down(Address at, Address peer) = 0;
    virtual void arrive(Address at, Address from, Parcel parcel) = 0;
    /// Whether the process at `a` wants a link to the process at `b`.
    [[nodiscard]] virtual bool wants(Address a, Address b) const = 0;
    /// Whether the process reads its connections; a paused one does not.
    [[nodiscard]] virtual bool reads(Address a) const = 0;
};

struct NetworkOptions {
    wire::MemberLinkBounds bounds;
    /// What the kernels of both sides hold of one connection in one direction, beyond the bounds.
    std::size_t kernel_bytes = 4 * base::MiB;
    /// Of each connection in each direction; 0: no limit.
    std::uint64_t bytes_per_second = 0;
};

class Network {
  public:
    Network(Schedule& schedule, Prng& prng, Hosts& hosts, std::size_t addresses,
            NetworkOptions const& options);

    /// A process listens here from now on, and dials all that it wants.
    void start(Address a);
    /// The process is gone. The others get a reset, or nothing (silent): the machine is gone.
    void stop(Address a, bool silent);
    /// The process drops its links and dials again.
    void reconnect(Address a);
    /// The process wants other links than before.
    void look(Address a);
    /// A process is paused: it reads nothing, and its connections stand. Then it goes on.
    void stop_reading(Address a);
    void read_again(Address a);
    void send(Address from, Address to, Parcel parcel);

    void cut(Address from, Address to);  // one way
    void heal(Address from, Address to);
    void heal_all();
    /// Messages larger than this do not get through, nor does anything queued behind them.
    void lose_large(Address from, Address to, std::size_t above);
    /// Both ends lose the link.
    void reset(Address a, Address b);
    /// Only `at` loses the link; a firewall has forgotten it, and resets get lost, too.
    void half_open(Address at, Address peer);
    void stall(Address from, Address to, Duration how_long);
    void stall_bulk(Address from, Address to, Duration how_long);
    void set_delay(Address from, Address to, Duration delay, Duration jitter);
    void set_speed(Address from, Address to, std::uint64_t bytes_per_second);

    [[nodiscard]] bool is_cut(Address from, Address to) const { return path(from, to).cut; }
    /// Both ends believe in the same link.
    [[nodiscard]] bool connected(Address a, Address b) const {
        return end(a, b).link != 0 && end(a, b).link == end(b, a).link;
    }
    /// Since when both ends believe in the same link and nothing was in its way; none if something
    /// is.
    [[nodiscard]] std::optional<Instant> clear_since(Address a, Address b) const;
    /// Links that were cut because too much waited.
    [[nodiscard]] std::uint64_t cut_off() const { return cut_off_; }
    /// Messages that overtook an earlier one of the same link.
    [[nodiscard]] std::uint64_t overtakings() const { return overtakings_; }

    /// A link over which nothing comes for this long is given up.
    static constexpr Duration dead_after = seconds(2);
    /// The time from the moment when nothing is in the way to that when all links are there.
    static constexpr Duration linked_within = milliseconds(1700);

  private:
    enum Kind : std::uint8_t { frames, bulk };
    struct Carried {
        std::uint64_t link = 0;
        std::uint64_t number = 0;  // among those of its link in this direction
        Parcel parcel;
    };
    /// One connection in one direction.
    struct Stream {
        Instant free_at;               // when its last message has left the sender
        Instant last;                  // when its last message arrives
        std::deque<std::size_t> sent;  // sizes of those that have not arrived
        std::size_t waiting = 0;       // their sum
        std::deque<Carried> held;      // what is stopped on its way
        bool made = false;             // bulk: the connection is there, or is being made
    };
    struct Path {  // one direction
        Duration delay = microseconds(100);
        Duration jitter = microseconds(20);
        bool cut = false;
        std::size_t large = static_cast<std::size_t>(-1);  // what is larger is lost
        std::uint64_t speed = 0;
        std::array<Stream, 2> streams;
        std::uint64_t numbered = 0;  // messages of this link
        std::uint64_t newest = 0;    // that has arrived
        Instant changed;             // when something was put into its way, or taken out of it
    };
    struct End {
        std::uint64_t link = 0;  // 0: none
        bool dialled = false;    // by this end
        bool deaf = false;       // a firewall swallows what it sends
        Instant since;
        Instant heard;
        std::uint64_t greeting = 0;  // the link that its greeting is on its way for
        bool dialling = false;
        bool watched = false;
    };
    [[nodiscard]] bool is_clear(Address from, Address to) const;
    void note_change(Address from, Address to) { path(from, to).changed = schedule_.now(); }
    Path& path(Address from, Address to) { return paths_[from * addresses_ + to]; }
    [[nodiscard]] Path const& path(Address from, Address to) const {
        return paths_[from * addresses_ + to];
    }
    End& end(Address at, Address peer) { return ends_[at * addresses_ + peer]; }
    [[nodiscard]] End const& end(Address at, Address peer) const {
        return ends_[at * addresses_ + peer];
    }

    void dial(Address a, Address b, bool at_once);
    void dial_now(Address a, Address b);
    void greet(Address a, Address b, std::uint64_t link);
    void greet_back(Address a, Address b, std::uint64_t link);
    [[nodiscard]] bool has_precedence(Address at, Address peer, bool dialled) const;
    void bring_up(Address at, Address peer, std::uint64_t link, bool dialled);
    void take_down(Address at, Address peer, bool tell);
    void tell_closed(Address at, Address peer, std::uint64_t link);
    void watch(Address at, Address peer);
    void look_whether_dead(Address at, Address peer);
    [[nodiscard]] bool is_impeded(Address from, Address to) const;
    void give_up_held(Address from, Address to, Kind kind, std::uint64_t link);

    Duration travel(Address from, Address to);
    void transmit(Address from, Address to, Kind kind, Parcel parcel);
    void come(Address from, Address to, Kind kind, Carried carried);
    void deliver(Address from, Address to, Kind kind, Carried carried);
    void answer_by_reset(Address from, Address to, std::uint64_t link);
    [[nodiscard]] bool is_stopped(Path const& p, Address to, std::size_t bytes) const {
        return p.cut || bytes > p.large || !hosts_.reads(to);
    }
    void release(Address from, Address to);

    Schedule& schedule_;
    Prng& prng_;
    Hosts& hosts_;
    std::size_t addresses_;
    NetworkOptions options_;
    std::vector<Path> paths_;
    std::vector<End> ends_;
    std::vector<bool> listening_;
    std::vector<bool> vanished_;  // the machine is gone, too: nothing is answered by a reset
    std::uint64_t links_ = 0;
    std::uint64_t cut_off_ = 0;
    std::uint64_t overtakings_ = 0;
};

}  // namespace doozer::sim
