#include "sim/explorer.h"

namespace doozer::sim {

namespace {

/// Three voters, one of whose timers may fire; votes go to owners only; a window of one. That any
/// one may crash at any moment need not be among the actions: nobody notices a crash but by
/// waiting, so whatever happens after it happens as well while that member does nothing, and the
/// probe asks in every such state whether the others can finish without it.
Scope scope(std::string name, void (*change)(Scope&)) {
    Scope s;
    s.name = std::move(name);
    s.gossip = false;
    s.burst = true;
    s.crashes = s.reconnects = 0;
    s.rounds = 1;
    s.ticking = "c";
    change(s);
    return s;
}

/// Two owners write one batch each, and something may go wrong.
Scope two_writers(std::string name, void (*change)(Scope&)) {
    Scope s = scope(std::move(name), [](Scope&) {});
    s.owners = "ab";
    s.writes = {{'a', "x"}, {'b', "y"}};
    change(s);
    return s;
}

/// Three old members and a new one.
Scope four_members(std::string name, void (*change)(Scope&)) {
    Scope s = scope(std::move(name), [](Scope&) {});
    s.owners = "ab";
    s.followers = "d";
    s.ticking = "";
    change(s);
    return s;
}

}  // namespace

std::vector<Scope> quick_scopes() {
    return {
        scope("parked lanes, two writers",
              [](Scope& s) {
                  s.burst = false;
                  s.owners = "ab";
                  s.writes = {{'a', "x"}, {'b', "y"}};
                  s.park_ahead = 2;
                  s.ticking = "";
              }),
        scope("an owner dies with a batch",
              [](Scope& s) {
                  s.writes = {{'a', "x"}};
                  s.crashes = 1;
                  s.may_crash = "a";
                  s.ticking = "b";
              }),
    };
}

namespace {

std::vector<Scope> scopes_of_lanes_and_seals() {
    return {
        scope("the same, message by message",
              [](Scope& s) {
                  s.burst = false;
                  s.writes = {{'a', "x"}};
                  s.crashes = 1;
                  s.may_crash = "a";
                  s.ticking = "b";
              }),
        two_writers("a crash and a broken link, nobody suspects",
                    [](Scope& s) {
                        s.crashes = s.reconnects = 1;
                        s.ticking = "";
                    }),
        two_writers("a seal, message by message",
                    [](Scope& s) {
                        s.burst = false;
                        s.ticking = "b";
                    }),
        two_writers("a seal, and news to everybody",
                    [](Scope& s) {
                        s.gossip = true;
                        s.ticking = "b";
                    }),
        two_writers("parked lanes and a seal",
                    [](Scope& s) {
                        s.park_ahead = 2;
                        s.ticking = "b";
                    }),
        two_writers("three lanes and a seal",
                    [](Scope& s) {
                        s.owners = "abc";
                        s.ticking = "b";
                    }),
        two_writers("two sealers",
                    [](Scope& s) {
                        s.ticking = "ab";
                        s.ticking_epochs = 1;
                    }),
        two_writers("a seal and a broken link",
                    [](Scope& s) {
                        s.ticking = "a";
                        s.reconnects = 1;
                        s.ticking_epochs = 1;
                    }),
    };
}

std::vector<Scope> scopes_of_membership() {
    return {
        scope("a voter is removed while another writes",
              [](Scope& s) {
                  s.owners = "ab";
                  s.writes = {{'a', "cal2="}, {'b', "y"}};
                  s.ticking = "b";
              }),
        scope("a follower joins while another writes",
              [](Scope& s) {
                  s.voters = s.owners = "ab";
                  s.followers = "c";
                  s.writes = {{'a', "cal2=c"}, {'b', "y"}};
                  s.ticking = "b";
              }),
        four_members("a fourth joins",
                     [](Scope& s) {
                         s.writes = {{'a', "cal3=d"}};
                         s.ticking = "b";
                     }),
        four_members("a fourth replaces one",
                     [](Scope& s) {
                         s.writes = {{'a', "cal2=d"}};
                         s.ticking = "b";
                     }),
    };
}

std::vector<Scope> scopes_of_the_rest() {
    return {
        scope("a link breaks",
              [](Scope& s) {
                  s.owners = "ab";
                  s.writes = {{'a', "x"}};
                  s.reconnects = 1;
              }),
        scope("a link breaks, and the log is gone",
              [](Scope& s) {
                  s.owners = "ab";
                  s.writes = {{'a', "x"}};
                  s.reconnects = 1;
                  s.log_bytes = 1;
              }),
        scope("a link of two connections breaks",
              [](Scope& s) {
                  s.owners = "ab";
                  s.writes = {{'a', "x"}};
                  s.reconnects = 1;
                  s.two_connections = true;
              }),
        scope("the same, and the log is gone",
              [](Scope& s) {
                  s.owners = "ab";
                  s.writes = {{'a', "x"}};
                  s.reconnects = 1;
                  s.log_bytes = 1;
                  s.two_connections = true;
              }),
        scope("two connections, and a voter is removed",
              [](Scope& s) {
                  s.owners = "ab";
                  s.writes = {{'a', "cal2="}, {'b', "y"}};
                  s.ticking = "b";
                  s.two_connections = true;
              }),
        scope("forwarding, the only owner may die",
              [](Scope& s) {
                  s.owners = "a";
                  s.writes = {{'c', "x"}};
                  s.slots = 4;
              }),
        scope("a read meets a write and a seal",
              [](Scope& s) {
                  s.owners = "ab";
                  s.writes = {{'a', "x"}};
                  s.readers = "c";
              }),
        scope("a read meets a write and another's seal",
              [](Scope& s) {
                  s.owners = "ab";
                  s.writes = {{'a', "x"}};
                  s.readers = "c";
                  s.ticking = "a";
              }),
    };
}

}  // namespace

std::vector<Scope> check_scopes() {
    std::vector<Scope> all = quick_scopes();
    for (auto const& part :
         {scopes_of_lanes_and_seals(), scopes_of_membership(), scopes_of_the_rest()}) {
        all.insert(all.end(), part.begin(), part.end());
    }
    return all;
}

std::vector<Scope> large_scopes() {
    return {
        two_writers("three sealers",
                    [](Scope& s) {
                        s.ticking = "abc";
                        s.ticking_epochs = 1;
                    }),
        two_writers("a seal in each epoch, message by message", [](Scope& s) { s.burst = false; }),
        two_writers("a seal in each epoch and a broken link, timers of a",
                    [](Scope& s) {
                        s.reconnects = 1;
                        s.ticking = "a";
                    }),
        two_writers("a seal in each epoch and a broken link, timers of b",
                    [](Scope& s) {
                        s.reconnects = 1;
                        s.ticking = "b";
                    }),
        two_writers("a seal in each epoch and a broken link, timers of c",
                    [](Scope& s) { s.reconnects = 1; }),
        two_writers("two sealers and a broken link",
                    [](Scope& s) {
                        s.ticking = "ab";
                        s.reconnects = 1;
                        s.ticking_epochs = 1;
                    }),
        two_writers("two sealers, two rounds",
                    [](Scope& s) {
                        s.writes = {{'b', "x"}};
                        s.ticking = "bc";
                        s.rounds = 2;
                    }),
        four_members("a fourth joins while another writes",
                     [](Scope& s) {
                         s.writes = {{'a', "cal3=d"}, {'b', "y"}};
                     }),
        four_members("a fourth replaces one while another writes",
                     [](Scope& s) {
                         s.writes = {{'a', "cal2=d"}, {'b', "y"}};
                     }),
        four_members("a fourth joins while one is removed",
                     [](Scope& s) {
                         s.writes = {{'a', "cal3=d"}, {'b', "cal2="}};
                         s.epochs = 3;
                     }),
    };
}

}  // namespace doozer::sim
