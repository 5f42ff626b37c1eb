// The client that knows nothing but the protocol: one connection, one request at a time.
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <thread>

#include "base/limits.h"
#include "recorder.h"
#include "wire/client_codec.h"
#include "wire/frame.h"

namespace chaos {

namespace {

using namespace std::chrono_literals;
namespace base = doozer::base;
namespace wire = doozer::wire;
using base::Request;
using base::Verb;

/// What a response says, with memory of its own.
struct Answer {
    std::optional<base::Errc> error;
    std::string detail;
    std::int32_t flags = 0;
    std::int64_t rev = 0;
    std::string path;
    std::string value;
};

std::int64_t milliseconds_until(std::int64_t when) {
    return std::max<std::int64_t>(0, (when - now()) / millisecond);
}

class Connection {
  public:
    Connection() = default;
    Connection(Connection const&) = delete;
    Connection& operator=(Connection const&) = delete;
    ~Connection() { close(); }

    bool open(std::string const& address) {
        close();
        std::size_t const colon = address.rfind(':');
        addrinfo hints{};
        hints.ai_socktype = SOCK_STREAM;
        addrinfo* found = nullptr;
        if (getaddrinfo(address.substr(0, colon).c_str(), address.substr(colon + 1).c_str(), &hints,
                        &found) != 0) {
            return false;
        }
        fd_ = ::socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        int const yes = 1;
        setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        bool good = ::connect(fd_, found->ai_addr, found->ai_addrlen) == 0 || errno == EINPROGRESS;
        freeaddrinfo(found);
        int error = 0;
        socklen_t size = sizeof error;
        good = good && ready(POLLOUT, now() + 1000 * millisecond) &&
               getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0;
        if (!good) close();
        return good;
    }
    [[nodiscard]] bool is_open() const { return fd_ >= 0; }
    void close() {
        if (fd_ >= 0) ::close(fd_);
        fd_ = -1;
        in_.clear();
    }

    /// False: not all of it went out, and the connection is closed.
    bool send(Request const& request) {
        std::string out;
        wire::append_request(out, request);
        std::string_view rest = out;
        std::int64_t const deadline = now() + patience_ms * millisecond;
        while (!rest.empty()) {
            ssize_t const sent = ::send(fd_, rest.data(), rest.size(), MSG_NOSIGNAL);
            if (sent > 0) {
                rest.remove_prefix(static_cast<std::size_t>(sent));
            } else if (errno != EAGAIN || !ready(POLLOUT, deadline)) {
                close();
                return false;
            }
        }
        return true;
    }

    /// Nothing: no answer by the deadline, or the connection is lost and closed.
    std::optional<Answer> receive(std::int64_t deadline) {
        for (;;) {
            wire::FrameSplitter frames(in_, 64U << 20U);
            auto const body = frames.next();
            if (!body.ok()) break;
            if (body.value()) {
                auto answer = answer_of(*body.value());
                in_.erase(0, frames.consumed());
                return answer;
            }
            if (!ready(POLLIN, deadline)) return std::nullopt;
            char bytes[65536];
            ssize_t const got = ::recv(fd_, bytes, sizeof bytes, 0);
            if (got <= 0 && errno != EAGAIN) break;
            if (got == 0) break;
            if (got > 0) in_.append(bytes, static_cast<std::size_t>(got));
        }
        close();
        return std::nullopt;
    }

  private:
    [[nodiscard]] bool ready(short what, std::int64_t deadline) const {
        pollfd p{fd_, what, 0};
        return ::poll(&p, 1, static_cast<int>(milliseconds_until(deadline))) == 1;
    }
    static Answer answer_of(std::string_view body) {
        Answer a;
        auto const response = wire::decode_response(body);
        if (!response.ok()) {
            a.error = base::Errc::other;
            return a;
        }
        a.error = response.value().err_code;
        a.detail = response.value().err_detail.value_or("");
        a.flags = response.value().flags.value_or(0);
        a.rev = response.value().rev.value_or(base::missing).value();
        a.path = response.value().path.value_or("");
        a.value = response.value().value.value_or("");
        return a;
    }

    int fd_ = -1;
    std::string in_;
};

Request request_of(Op const& op) {
    Request r;
    r.tag = base::Tag(1);
    r.path = op.path;
    if (op.kind == OpKind::del) {
        r.verb = Verb::del;
        r.rev = base::Revision(op.expected);
    } else if (op.kind == OpKind::set || op.kind == OpKind::compare_and_set) {
        r.verb = Verb::set;
        r.rev = base::Revision(op.expected);
        r.value = op.value;
    } else {
        r.verb = Verb::get;
        r.linear = op.kind == OpKind::linear_read;
        if (op.kind == OpKind::later_read) r.min_rev = base::Revision(op.min_rev);
    }
    return r;
}

void take(Op& op, std::optional<Answer> const& answer) {
    bool const reads =
        op.kind != OpKind::set && op.kind != OpKind::compare_and_set && op.kind != OpKind::del;
    if (!answer) {
        op.state = reads ? OpState::refused : OpState::unknown;
    } else if (answer->error && (reads || *answer->error != base::Errc::rev_mismatch)) {
        op.state = OpState::refused;
    } else {
        op.state = OpState::done;
        op.succeeded = !answer->error;
        op.rev = answer->rev;
        if (reads) op.value = answer->value;
    }
}

Change change_of(Answer const& a) {
    auto const kind = a.flags == base::flag_set   ? ChangeKind::set
                      : a.flags == base::flag_del ? ChangeKind::del
                                                  : ChangeKind::nop;
    return Change{a.rev, kind, a.path, a.value};
}

/// A connection to the next address that takes one; `at` counts on.
bool open_next(Connection& connection, Plan const& plan, std::size_t& at) {
    bool const good = connection.open(plan.addresses_from(at++).front());
    if (!good) std::this_thread::sleep_for(20ms);
    return good;
}

Request wait_for(std::string const& glob, std::int64_t from) {
    Request r;
    r.tag = base::Tag(static_cast<std::int32_t>(from));  // several may be outstanding
    r.verb = Verb::wait;
    r.path = glob;
    r.rev = base::Revision(from);
    return r;
}

}  // namespace

void run_raw_client(Recorder& recorder, Plan const& plan, std::size_t number) {
    Connection connection;
    Choice choice(plan.seed * 1000 + number, plan.folder);
    std::size_t at = number;
    std::size_t session = 0;
    while (!plan.stop) {
        std::this_thread::sleep_for(std::chrono::milliseconds(choice.think()));
        if (!connection.is_open()) {
            if (!open_next(connection, plan, at)) continue;
            session = recorder.new_session();
        }
        Op op = choice.next();
        op.session = session;
        op = recorder.begin(op);
        std::optional<Answer> answer;
        if (connection.send(request_of(op))) {
            answer = connection.receive(now() + patience_ms * millisecond);
        }
        take(op, answer);
        choice.saw(op);
        recorder.end(op);
        // A late answer must not be taken for the next one's; and now and then it looks elsewhere.
        if (op.state != OpState::done || choice.below(200) == 0) connection.close();
    }
}

void run_raw_watcher(Recorder& recorder, Plan const& plan, std::size_t number) {
    Connection connection;
    std::string const glob = plan.folder + "/**";
    Watch told{plan.folder + "/", plan.from, {}, {}};
    std::size_t at = number;
    std::int64_t next = plan.from;
    std::int64_t give_up = INT64_MAX;
    while (told.told.empty() || told.told.back().path != plan.end_marker()) {
        if (plan.stop && give_up == INT64_MAX) give_up = now() + 120'000 * millisecond;
        if (now() > give_up) {
            recorder.complain("a raw watch did not see the end");
            break;
        }
        if (!connection.is_open() && !open_next(connection, plan, at)) continue;
        if (!connection.send(wait_for(glob, next))) continue;
        auto const answer = connection.receive(now() + patience_ms * millisecond);
        if (!answer) {
            connection.close();
            continue;
        }
        if (answer->error) {
            recorder.complain("a raw watch ended: " + answer->detail);
            break;
        }
        told.told.push_back(change_of(*answer));
        told.upto = answer->rev;
        next = answer->rev + 1;
    }
    recorder.add(told);
}

bool write_log_of(std::ostream& out, std::string const& address, std::int64_t from,
                  std::int64_t upto) {
    static constexpr std::int64_t window = 256;
    std::int64_t const deadline = now() + 60'000 * millisecond;
    Connection connection;
    std::int64_t asked = from;
    std::int64_t next = from;
    while (next <= upto && now() < deadline) {
        if (!connection.is_open()) {
            asked = next;
            if (!connection.open(address)) std::this_thread::sleep_for(50ms);
            continue;
        }
        while (connection.is_open() && asked <= upto && asked < next + window) {
            connection.send(wait_for("/**", asked));
            ++asked;
        }
        if (!connection.is_open()) continue;
        auto const answer = connection.receive(now() + 10'000 * millisecond);
        // Requests of the past are answered in the order in which they were sent.
        bool const expected = answer && !answer->error && answer->rev == next;
        if (!expected) {
            connection.close();
            continue;
        }
        write_log(out, address, change_of(*answer));
        ++next;
    }
    return next > upto;
}

}  // namespace chaos
