// Configuration that many processes share, and that changes while they run.
//
//   config URI run /config/web              the settings, then every change, as "key = value"
//   config URI set /config/web/workers 8
//   config URI add /config/web/workers 2    adds to a number, also while others do the same
//
// A setting is a file; a change is seen by every process, by all of them in the same order.
#include <doozer/client.h>

#include <charconv>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>

namespace {

using doozer::Client;
using doozer::Errc;
using doozer::Error;
using doozer::Result;
using doozer::Revision;

int fail(Error const& error) {
    std::fprintf(stderr, "config: %s\n", error.message().c_str());
    return 1;
}

std::optional<long> number(std::string_view text) {
    long n = 0;
    auto const [end, failure] = std::from_chars(text.data(), text.data() + text.size(), n);
    if (failure != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return n;
}

void show(doozer::Event const& event, std::string const& prefix) {
    std::string const key = event.path.substr(prefix.size() + 1);
    if (event.is_set())
        std::printf("%s = %s\n", key.c_str(), event.value.c_str());
    else
        std::printf("%s is gone\n", key.c_str());
    std::fflush(stdout);
}

/// Shows the settings as of one revision, then every later change, for as long as it can.
Error run_once(Client& client, std::string const& prefix) {
    std::string const glob = prefix + "/**";
    auto const rev = client.rev();
    if (!rev) return rev.error();
    auto const settings = client.walk(glob, *rev);
    if (!settings) return settings.error();
    for (auto const& setting : *settings) show(setting, prefix);
    std::printf("-- as of revision %lld\n", static_cast<long long>(rev->value()));
    std::fflush(stdout);
    auto watch = client.watch(glob, rev->next());
    if (!watch) return watch.error();
    for (;;) {
        auto const event = watch->next();
        if (!event) return event.error();
        show(*event, prefix);
    }
}

/// Reads, changes and writes on the condition that nobody has written in between; if somebody has,
/// once more.
Result<long> add(Client& client, std::string const& path, long n) {
    for (;;) {
        auto const file = client.get(path);
        if (!file) return file.error();
        auto const before = file->exists() ? number(file->value) : 0;
        if (!before) return Error{Errc::other, path + " is no number: " + file->value};
        long const after = *before + n;
        auto const written = client.set(path, std::to_string(after), file->rev);
        if (written) return after;
        // With unknown_outcome the number may have been added: to try again could add it twice.
        if (written.error().code != Errc::rev_mismatch) return written.error();
    }
}

}  // namespace

int main(int argc, char** argv) {
    std::string_view const command = argc > 3 ? argv[2] : "";
    bool const run = command == "run" && argc == 4;
    auto const summand = command == "add" && argc == 5 ? number(argv[4]) : std::nullopt;
    if (!run && !summand && !(command == "set" && argc == 5)) {
        std::fputs("usage: config URI run PATH | set PATH VALUE | add PATH NUMBER\n", stderr);
        return 2;
    }
    auto client = Client::connect(argv[1]);
    if (!client) return fail(client.error());
    std::string const path = argv[3];
    if (run) {
        Error end;
        do {
            end = run_once(*client, path);
        } while (end.code == Errc::too_late);  // changes may be missing: look again at all
        return fail(end);
    }
    if (summand) {
        auto const sum = add(*client, path, *summand);
        if (!sum) return fail(sum.error());
        std::printf("%ld\n", *sum);
        return 0;
    }
    auto const written = client->set(path, argv[4], doozer::clobber);
    return written ? 0 : fail(written.error());
}
