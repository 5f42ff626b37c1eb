// Elects the master among some Redis servers, and another when it is lost. Runs beside each:
//
//   redis-failover URI /redis/master 10.0.0.7:6379 SECONDS COMMAND
//
// COMMAND is run as "COMMAND master" when this one is to be the master, as "COMMAND follow ADDRESS"
// when another one is, and as "COMMAND alone" when it cannot know. For Redis:
//
//   #!/bin/sh
//   case $1 in
//     master) redis-cli replicaof no one ;;
//     follow) redis-cli replicaof "${2%:*}" "${2##*:}" ;;
//     alone)  redis-cli config set min-replicas-to-write 100 ;;  # takes no writes
//   esac
//
// The file holds the master's address. The master writes it again every SECONDS / 5, on the
// condition that nobody else has; a file that is silent for SECONDS is taken over on the same
// condition, so of any number that try exactly one succeeds. A master without a write that is known
// to be done gives up by itself within 4/5 SECONDS, counted from when the last such write was sent:
// before anybody can have waited for SECONDS, as long as clocks run at about the same pace.
#include <doozer/client.h>
#include <spawn.h>
#include <sys/wait.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>

extern char** environ;

namespace {

using doozer::Client;
using doozer::Errc;
using doozer::Revision;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

class Candidate {
  public:
    Candidate(Client& client, std::string path, std::string address, milliseconds silence,
              std::string command)
        : client_(client),
          path_(std::move(path)),
          address_(std::move(address)),
          silence_(silence),
          command_(std::move(command)) {}

    [[noreturn]] void run() {
        for (;;) {
            Revision const mine = follow();
            tell("master", "");
            lead(mine);
            tell("alone", "");
        }
    }

  private:
    /// Follows masters until this one is the master itself; returns the file's revision then.
    Revision follow() {
        for (;;) {
            Revision const mine = try_to_lead();
            if (mine != doozer::missing) return mine;
        }
    }

    Revision try_to_lead() {
        // The state at one revision, and the changes after it.
        auto const now = client_.rev();
        if (!now) return cannot(now.error());
        auto const file = client_.get(path_, *now);
        if (!file) return cannot(file.error());
        if (!file->exists() || file->value == address_) return take(file->rev);
        tell("follow", file->value);
        return take_over_when_silent(*file, *now);
    }

    /// Without an answer in time there may be one later; with any other there never will.
    static Revision cannot(doozer::Error const& error) {
        if (error.code == Errc::timeout) return doozer::missing;
        std::fprintf(stderr, "redis-failover: %s\n", error.message().c_str());
        std::exit(1);
    }

    /// Waits while the file changes; when it is silent, tries to take it over.
    Revision take_over_when_silent(doozer::File file, Revision seen) {
        for (;;) {
            auto const event = client_.wait(path_, seen.next(), silence_);
            if (!event && event.error().code == Errc::timeout) return take(file.rev);
            if (!event || !event->is_set()) return doozer::missing;
            if (event->value != file.value) tell("follow", event->value);
            file = {event->rev, event->value};
            seen = event->rev;
        }
    }

    /// Writes this address if nobody has written since `condition`; missing if it did not succeed.
    Revision take(Revision condition) {
        auto const sent = Clock::now();
        auto const written = client_.set(path_, address_, condition);
        if (!written) {
            // The next look at the file shows who was first, or what became of this write.
            Errc const code = written.error().code;
            if (code == Errc::rev_mismatch || code == Errc::unknown_outcome) return doozer::missing;
            return cannot(written.error());
        }
        known_until_ = sent + silence_ * 3 / 5;
        return *written;
    }

    /// Writes the file again and again until somebody else has, or it can no longer know. No step
    /// takes longer than SECONDS / 5 and none begins at 3/5, so this ends at 4/5.
    void lead(Revision mine) {
        while (Clock::now() < known_until_) {
            auto const event = client_.wait(path_, mine.next(), silence_ / 5);
            if (event && event->value != address_) return;
            if (event) mine = event->rev;  // of an earlier write, whose outcome was not known
            auto const sent = Clock::now();
            if (sent >= known_until_) return;
            auto const written = client_.set(path_, address_, mine);
            if (!written) continue;
            mine = *written;
            known_until_ = sent + silence_ * 3 / 5;
        }
    }

    void tell(char const* role, std::string const& master) {
        std::string const said = std::string(role) + " " + master;
        if (said == said_) return;
        said_ = said;
        std::string first = role;
        std::string second = master;
        char* const argv[] = {command_.data(), first.data(),
                              second.empty() ? nullptr : second.data(), nullptr};
        pid_t child = 0;
        if (posix_spawnp(&child, command_.c_str(), nullptr, nullptr, argv, environ) != 0) {
            std::fprintf(stderr, "redis-failover: cannot run %s\n", command_.c_str());
            std::exit(1);
        }
        waitpid(child, nullptr, 0);
    }

    Client& client_;
    std::string path_;
    std::string address_;
    milliseconds silence_;
    std::string command_;
    std::string said_;
    Clock::time_point known_until_;  // until then nobody else can be the master
};

}  // namespace

int main(int argc, char** argv) {
    double const seconds = argc == 6 ? std::atof(argv[4]) : 0;
    if (seconds <= 0) {
        std::fputs("usage: redis-failover URI PATH ADDRESS SECONDS COMMAND\n", stderr);
        return 2;
    }
    milliseconds const silence(static_cast<long>(seconds * 1000));
    doozer::Options options;
    options.request_timeout = silence / 5;  // a master must not hang in a write
    auto client = Client::connect(argv[1], options);
    if (!client) {
        std::fprintf(stderr, "redis-failover: %s\n", client.error().message().c_str());
        return 1;
    }
    Candidate(*client, argv[2], argv[3], silence, argv[5]).run();
}
