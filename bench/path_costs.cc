// What the main paths cost in instructions and allocations, one path at a time, always the same
// work: for scripts/speed, which compares it with bench/path_costs.txt. It prints the allocations;
// the instructions are counted by callgrind, which collects within measured() only.
//
//   build/release/bin/path_costs PATH OPERATIONS
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <functional>
#include <map>
#include <new>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "base/limits.h"
#include "replica/replica.h"
#include "wire/client_codec.h"
#include "wire/frame.h"

namespace {
std::size_t allocations = 0;
}

// Not inlined: g++ 12 would find that free() does not match new.
[[gnu::noinline]] void* operator new(std::size_t size) {
    ++allocations;
    if (void* const p = std::malloc(size)) return p;
    throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* p) noexcept {
    std::free(p);
}
[[gnu::noinline]] void operator delete(void* p, std::size_t) noexcept {
    std::free(p);
}

namespace doozer {
namespace {

using namespace base;

constexpr SessionId client{1};
constexpr std::size_t files = 1000;

std::string path_of(std::size_t i) {
    return "/service/" + std::to_string(1000 + i % files) + "/address";
}

/// Processes that are one cluster; what one sends the others get at once and in order.
class Members {
  public:
    explicit Members(std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) {
            replica::Options options;
            options.identity = {std::string(16, static_cast<char>('A' + i)), "local",
                                "10.0.0.1:" + std::to_string(8000 + i), "host", "1.1.0"};
            options.pulse = seconds(3600);
            options.lineage = {1, 2};
            if (i > 0) options.attach_to = {"10.0.0.1:8000"};
            ids_.push_back(options.identity.id);
            members_.emplace_back(std::move(options));
        }
        step(0, replica::Started{});
        step(0, replica::SessionOpened{client});
        for (std::size_t i = 1; i < count; ++i) step(i, replica::Started{});
        for (std::size_t i = 0; i < count; ++i) {
            for (std::size_t j = 0; j < count; ++j) {
                if (i != j) step(i, replica::LinkUp{ids_[j]});
            }
        }
        for (std::size_t i = 1; i < count; ++i) change("/ctl/cal/" + std::to_string(i), "");
        for (int i = 0; i < 10'000 && !all_vote(); ++i) pass(milliseconds(1));
        DOOZER_ASSERT(all_vote());
        for (std::size_t i = 0; i < files; ++i) change(path_of(i), "10.0.0.17:4711");
        for (int i = 0; i < 2000; ++i) pass(milliseconds(1));
    }

    /// Hands the request to the first member.
    void ask(Request const& request) { step(0, replica::ClientRequest{client, request}); }
    /// Ends turns until nothing is under way.
    void settle() {
        bool quiet = false;
        while (!quiet) {
            quiet = true;
            for (std::size_t i = 0; i < members_.size(); ++i) {
                step(i, replica::TurnEnded{});
                quiet = deliver(i) && quiet;
            }
        }
    }
    [[nodiscard]] std::vector<replica::Reply>& replies() { return members_[0].effects.replies; }

    void change(std::string const& path, std::string_view value) {
        Request request;
        request.verb = Verb::set;
        request.path = path;
        request.value = value;
        request.rev = clobber;
        ask(request);
        settle();
        DOOZER_ASSERT(replies().size() == 1 && !replies()[0].error);
        replies().clear();
    }
    [[nodiscard]] Revision revision() const { return members_[0].replica.store().revision(); }

  private:
    struct Member {
        explicit Member(replica::Options options) : replica(std::move(options)) {}
        replica::Replica replica;
        replica::Effects effects;
    };

    void step(std::size_t i, replica::Input const& input) {
        members_[i].replica.step(now_, input, members_[i].effects);
    }
    /// True if there was nothing to deliver.
    bool deliver(std::size_t from) {
        replica::Effects& effects = members_[from].effects;
        effects.trace.clear();
        if (effects.sends.empty()) return true;
        now_ = now_ + microseconds(20);
        for (consensus::Send& send : std::exchange(effects.sends, {})) {
            for (std::size_t to = 0; to < ids_.size(); ++to) {
                if (send.to.str() != ids_[to] || to == from) continue;
                step(to, replica::PeerMessage{ids_[from], std::move(send.message)});
                break;
            }
        }
        return false;
    }
    void pass(Duration time) {
        now_ = now_ + time;
        settle();
    }
    [[nodiscard]] bool all_vote() const {
        for (Member const& member : members_) {
            if (!member.replica.core().voter()) return false;
        }
        return true;
    }

    Instant now_{1'000'000'000};
    std::vector<ProcessId> ids_;
    std::deque<Member> members_;
};

/// What is counted.
[[gnu::noinline]] void measured(std::function<void(std::size_t)> const& operation,
                                std::size_t times) {
    for (std::size_t i = 0; i < times; ++i) operation(i);
}

void run(std::function<void(std::size_t)> const& operation, std::size_t times) {
    for (std::size_t i = 0; i < times / 4 + 1; ++i) operation(i);  // what is made once is made
    std::size_t const before = allocations;
    measured(operation, times);
    std::printf("allocations %.3f\n",
                static_cast<double>(allocations - before) / static_cast<double>(times));
}

void run_get(std::size_t times) {
    Members members(1);
    Request request;
    request.verb = Verb::get;
    request.tag = Tag(1);
    std::vector<std::string> paths;
    for (std::size_t i = 0; i < files; ++i) paths.push_back(path_of(i));
    run(
        [&](std::size_t i) {
            request.path = paths[i % files];
            members.ask(request);
            DOOZER_ASSERT(members.replies().size() == 1);
            members.replies().clear();
        },
        times);
}

void run_set(std::size_t count, std::size_t times) {
    Members members(count);
    std::vector<std::string> paths;
    for (std::size_t i = 0; i < files; ++i) paths.push_back(path_of(i));
    run([&](std::size_t i) { members.change(paths[i % files], "10.0.0.18:4712"); }, times);
}

/// A WAIT, and the change that answers it.
void run_wait(std::size_t times) {
    Members members(1);
    Request wait;
    wait.verb = Verb::wait;
    wait.tag = Tag(1);
    wait.path = "/service/*/address";
    std::string const path = path_of(7);
    Request set;
    set.verb = Verb::set;
    set.path = path;
    set.value = "10.0.0.18:4712";
    set.rev = clobber;
    run(
        [&](std::size_t /*i*/) {
            wait.rev = members.revision().next();
            members.ask(wait);
            members.ask(set);
            members.settle();
            DOOZER_ASSERT(members.replies().size() == 2);
            members.replies().clear();
        },
        times);
}

/// A request's bytes become a request, and a response becomes bytes.
void run_frame(std::size_t times) {
    std::string const path = path_of(7);
    Request request;
    request.tag = Tag(77);
    request.verb = Verb::set;
    request.path = path;
    request.value = "10.0.0.18:4712";
    request.rev = Revision(123'456);
    std::string bytes;
    wire::append_request(bytes, request);
    Response response;
    response.tag = request.tag;
    response.rev = request.rev;
    std::string out;
    run(
        [&](std::size_t /*i*/) {
            wire::FrameSplitter frames(bytes, frame_bytes_floor);
            auto const frame = frames.next();
            DOOZER_ASSERT(frame.ok() && frame.value());
            DOOZER_ASSERT(wire::decode_request(*frame.value()).ok());
            out.clear();
            wire::append_response(out, response);
        },
        times);
}

}  // namespace
}  // namespace doozer

int main(int argc, char** argv) {
    using namespace doozer;
    std::map<std::string, std::function<void(std::size_t)>> const paths{
        {"get", run_get},
        {"set_1", [](std::size_t times) { run_set(1, times); }},
        {"set_3", [](std::size_t times) { run_set(3, times); }},
        {"wait", run_wait},
        {"frame", run_frame},
    };
    auto const path = argc == 3 ? paths.find(argv[1]) : paths.end();
    std::size_t const times = argc == 3 ? std::strtoul(argv[2], nullptr, 10) : 0;
    if (path == paths.end() || times == 0) {
        std::fputs("usage: path_costs get|set_1|set_3|wait|frame OPERATIONS\n", stderr);
        return 2;
    }
    path->second(times);
    return 0;
}
