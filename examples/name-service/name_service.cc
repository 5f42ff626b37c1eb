// A name service: where the processes of a service are to be reached.
//
//   name-service URI register mail 10.0.0.7:25    until it is stopped with SIGTERM or SIGINT
//   name-service URI resolve mail                 the addresses, one a line
//   name-service URI follow mail                  the same, again whenever they change
//
// Each process has a file of its own, /service/mail/10.0.0.7-25, so that nobody ever writes what
// somebody else wrote. A process that is killed leaves its file behind; redis-failover shows how
// to notice that.
#include <doozer/client.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <map>
#include <string>
#include <string_view>

namespace {

using doozer::Client;
using doozer::Error;
using doozer::Result;
using Addresses = std::map<std::string, std::string>;  // by path

int fail(Error const& error) {
    std::fprintf(stderr, "name-service: %s\n", error.message().c_str());
    return 1;
}

/// Paths are made of letters, digits, "." and "-".
std::string path_of(std::string const& service, std::string address) {
    std::replace(address.begin(), address.end(), ':', '-');
    return "/service/" + service + "/" + address;
}

void print(Addresses const& addresses) {
    for (auto const& [path, address] : addresses) std::puts(address.c_str());
    std::fflush(stdout);
}

int register_until_stopped(Client& client, std::string const& service, std::string const& address,
                           sigset_t const& stop) {
    std::string const path = path_of(service, address);
    auto const registered = client.set(path, address, doozer::clobber);
    if (!registered) return fail(registered.error());
    std::printf("registered %s\n", path.c_str());
    std::fflush(stdout);
    int signal = 0;
    sigwait(&stop, &signal);
    // Only what this process wrote: another may have registered the same address since.
    auto const removed = client.del(path, *registered);
    if (!removed && removed.error().code != doozer::Errc::rev_mismatch)
        return fail(removed.error());
    return 0;
}

/// Every address as of one revision.
Result<Addresses> look(Client& client, std::string const& glob, doozer::Revision rev) {
    auto const files = client.walk(glob, rev);
    if (!files) return files.error();
    Addresses addresses;
    for (auto const& file : *files) addresses[file.path] = file.value;
    return addresses;
}

/// Reads the state as of one revision, and then every change after it: it misses nothing in
/// between.
Result<doozer::Done> follow_once(Client& client, std::string const& glob) {
    auto const rev = client.rev();
    if (!rev) return rev.error();
    auto addresses = look(client, glob, *rev);
    if (!addresses) return addresses.error();
    print(*addresses);
    auto watch = client.watch(glob, rev->next());
    if (!watch) return watch.error();
    for (;;) {
        auto const event = watch->next();
        if (!event) return event.error();
        if (event->is_set())
            (*addresses)[event->path] = event->value;
        else
            addresses->erase(event->path);
        std::puts("--");
        print(*addresses);
    }
}

int follow(Client& client, std::string const& glob) {
    for (;;) {
        auto const ended = follow_once(client, glob);
        // After a long time without a connection, changes may be missing: look again.
        if (ended.error().code != doozer::Errc::too_late) return fail(ended.error());
    }
}

}  // namespace

int main(int argc, char** argv) {
    // Before the client starts its thread, so that the signals wait for sigwait().
    sigset_t stop;
    sigemptyset(&stop);
    sigaddset(&stop, SIGTERM);
    sigaddset(&stop, SIGINT);

    std::string_view const command = argc > 3 ? argv[2] : "";
    bool const registers = command == "register" && argc == 5;
    if (!registers && !((command == "resolve" || command == "follow") && argc == 4)) {
        std::fputs("usage: name-service URI register NAME ADDRESS | resolve NAME | follow NAME\n",
                   stderr);
        return 2;
    }
    if (registers) sigprocmask(SIG_BLOCK, &stop, nullptr);
    auto client = Client::connect(argv[1]);
    if (!client) return fail(client.error());
    if (registers) return register_until_stopped(*client, argv[3], argv[4], stop);

    std::string const glob = std::string("/service/") + argv[3] + "/*";
    if (command == "follow") return follow(*client, glob);
    auto const rev = client->rev();
    if (!rev) return fail(rev.error());
    auto const addresses = look(*client, glob, *rev);
    if (!addresses) return fail(addresses.error());
    print(*addresses);
    return 0;
}
