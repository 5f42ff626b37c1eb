#include "sim/explorer.h"

namespace doozer::sim {

namespace {

/// Three voters, one of whose timers may fire; votes go to owners only; a window of one.
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

std::vector<Scope> check_scopes() {
    std::vector<Scope> all = quick_scopes();
    std::vector<Scope> const more = {
        scope("the same, message by message",
              [](Scope& s) {
                  s.burst = false;
                  s.writes = {{'a', "x"}};
                  s.crashes = 1;
                  s.may_crash = "a";
                  s.ticking = "b";
              }),
        scope("two writers, a crash and a broken link",
              [](Scope& s) {
                  s.owners = "ab";
                  s.writes = {{'a', "x"}, {'b', "y"}};
                  s.crashes = s.reconnects = 1;
                  s.may_crash = "a";
                  s.may_reconnect = "bc";
                  s.ticking = "";
              }),
        scope("a voter is removed while another writes",
              [](Scope& s) {
                  s.owners = "ab";
                  s.writes = {{'a', "cal2="}, {'b', "y"}};
                  s.ticking = "";
              }),
        scope("a follower joins while another writes",
              [](Scope& s) {
                  s.voters = s.owners = "ab";
                  s.followers = "c";
                  s.writes = {{'a', "cal2=c"}, {'b', "y"}};
                  s.ticking = "";
              }),
        scope("a link breaks",
              [](Scope& s) {
                  s.owners = "ab";
                  s.writes = {{'a', "x"}};
                  s.reconnects = 1;
                  s.may_reconnect = "ac";
              }),
        scope("a link breaks, and the log is gone",
              [](Scope& s) {
                  s.owners = "ab";
                  s.writes = {{'a', "x"}};
                  s.reconnects = 1;
                  s.may_reconnect = "ac";
                  s.log_bytes = 1;
              }),
        scope("forwarding, the only owner may die",
              [](Scope& s) {
                  s.owners = "a";
                  s.writes = {{'c', "x"}};
                  s.crashes = 1;
                  s.may_crash = "a";
                  s.slots = 4;
              }),
        scope("a read meets a write and a seal",
              [](Scope& s) {
                  s.owners = "ab";
                  s.writes = {{'a', "x"}};
                  s.readers = "c";
              }),
    };
    all.insert(all.end(), more.begin(), more.end());
    return all;
}

std::vector<Scope> large_scopes() {
    return {
        scope("A0c",
              [](Scope& s) {
                  s.owners = "ab";
                  s.writes = {{'a', "x"}, {'b', "y"}};
                  s.ticking = "c";
                  
              }),
        scope("A0a",
              [](Scope& s) {
                  s.owners = "ab";
                  s.writes = {{'a', "x"}, {'b', "y"}};
                  s.ticking = "a";
                  
              }),
        scope("A0b",
              [](Scope& s) {
                  s.owners = "ab";
                  s.writes = {{'a', "x"}, {'b', "y"}};
                  s.ticking = "b";
                  
              }),
        scope("A0ab",
              [](Scope& s) {
                  s.owners = "ab";
                  s.writes = {{'a', "x"}, {'b', "y"}};
                  s.ticking = "ab";
                  
              }),
        scope("A0ac",
              [](Scope& s) {
                  s.owners = "ab";
                  s.writes = {{'a', "x"}, {'b', "y"}};
                  s.ticking = "ac";
                  
              }),
        scope("A0bc",
              [](Scope& s) {
                  s.owners = "ab";
                  s.writes = {{'a', "x"}, {'b', "y"}};
                  s.ticking = "bc";
                  
              }),
        scope("A0",
              [](Scope& s) {
                  s.owners = "ab";
                  s.writes = {{'a', "x"}, {'b', "y"}};
                  s.ticking = "abc";
                  
              }),
        scope("Rc",
              [](Scope& s) {
                  s.owners = "ab";
                  s.writes = {{'a', "x"}, {'b', "y"}};
                  s.ticking = "c";
                  s.reconnects = 1;
              }),
        scope("Rc_ab",
              [](Scope& s) {
                  s.owners = "ab";
                  s.writes = {{'a', "x"}, {'b', "y"}};
                  s.ticking = "c";
                  s.reconnects = 1; s.may_reconnect = "ab";
              }),
        scope("Rc_ac",
              [](Scope& s) {
                  s.owners = "ab";
                  s.writes = {{'a', "x"}, {'b', "y"}};
                  s.ticking = "c";
                  s.reconnects = 1; s.may_reconnect = "ac";
              }),
        scope("Rc_bc",
              [](Scope& s) {
                  s.owners = "ab";
                  s.writes = {{'a', "x"}, {'b', "y"}};
                  s.ticking = "c";
                  s.reconnects = 1; s.may_reconnect = "bc";
              }),
        scope("Ra",
              [](Scope& s) {
                  s.owners = "ab";
                  s.writes = {{'a', "x"}, {'b', "y"}};
                  s.ticking = "a";
                  s.reconnects = 1;
              }),
        scope("Rb",
              [](Scope& s) {
                  s.owners = "ab";
                  s.writes = {{'a', "x"}, {'b', "y"}};
                  s.ticking = "b";
                  s.reconnects = 1;
              }),
        scope("Rab",
              [](Scope& s) {
                  s.owners = "ab";
                  s.writes = {{'a', "x"}, {'b', "y"}};
                  s.ticking = "ab";
                  s.reconnects = 1;
              }),
        scope("Rac",
              [](Scope& s) {
                  s.owners = "ab";
                  s.writes = {{'a', "x"}, {'b', "y"}};
                  s.ticking = "ac";
                  s.reconnects = 1;
              }),
        scope("Rbc",
              [](Scope& s) {
                  s.owners = "ab";
                  s.writes = {{'a', "x"}, {'b', "y"}};
                  s.ticking = "bc";
                  s.reconnects = 1;
              }),
        scope("A",
              [](Scope& s) {
                  s.owners = "ab";
                  s.writes = {{'a', "x"}, {'b', "y"}};
                  s.ticking = "abc";
                  s.reconnects = 1;
              }),
        scope("J1",
              [](Scope& s) {
                  s.owners = "a";
                  s.followers = "d";
                  s.writes = {{'a', "cal3=d"}};
                  s.epochs = 2;
                  s.ticking = "";
              }),
        scope("J1ab",
              [](Scope& s) {
                  s.owners = "ab";
                  s.followers = "d";
                  s.writes = {{'a', "cal3=d"}};
                  s.epochs = 2;
                  s.ticking = "";
              }),
        scope("J2",
              [](Scope& s) {
                  s.owners = "ab";
                  s.followers = "d";
                  s.writes = {{'a', "cal3=d"}, {'b', "y"}};
                  s.epochs = 2;
                  s.ticking = "";
              }),
        scope("JK",
              [](Scope& s) {
                  s.owners = "a";
                  s.followers = "d";
                  s.writes = {{'a', "cal3=d"}, {'a', "cal2="}};
                  s.epochs = 3;
                  s.ticking = "";
              }),
        scope("JKab",
              [](Scope& s) {
                  s.owners = "ab";
                  s.followers = "d";
                  s.writes = {{'a', "cal3=d"}, {'b', "cal2="}};
                  s.epochs = 3;
                  s.ticking = "";
              }),
        scope("J1c",
              [](Scope& s) {
                  s.owners = "a";
                  s.followers = "d";
                  s.writes = {{'a', "cal3=d"}};
                  s.epochs = 2;
                  s.ticking = "c";
              }),
        scope("B",
              [](Scope& s) {
                  s.owners = "ab";
                  s.followers = "d";
                  s.writes = {{'a', "cal2=d"}, {'b', "y"}};
                  s.ticking = "abcd"; s.burst = 1;
              }),
        scope("Bc",
              [](Scope& s) {
                  s.owners = "ab";
                  s.followers = "d";
                  s.writes = {{'a', "cal2=d"}, {'b', "y"}};
                  s.ticking = "c"; s.burst = 1;
              }),
        scope("Bab",
              [](Scope& s) {
                  s.owners = "ab";
                  s.followers = "d";
                  s.writes = {{'a', "cal2=d"}, {'b', "y"}};
                  s.ticking = "ab"; s.burst = 1;
              }),
        scope("Bd",
              [](Scope& s) {
                  s.owners = "ab";
                  s.followers = "d";
                  s.writes = {{'a', "cal2=d"}, {'b', "y"}};
                  s.ticking = "d"; s.burst = 1;
              }),
        scope("Bb",
              [](Scope& s) {
                  s.owners = "ab";
                  s.followers = "d";
                  s.writes = {{'a', "cal2=d"}, {'b', "y"}};
                  s.ticking = "b"; s.burst = 1;
              }),
        scope("B0",
              [](Scope& s) {
                  s.owners = "ab";
                  s.followers = "d";
                  s.writes = {{'a', "cal2=d"}, {'b', "y"}};
                  s.ticking = ""; s.burst = 1;
              }),
        scope("B0m",
              [](Scope& s) {
                  s.owners = "ab";
                  s.followers = "d";
                  s.writes = {{'a', "cal2=d"}, {'b', "y"}};
                  s.ticking = ""; s.burst = 0;
              }),
        scope("two writers, a crash, a broken link, a seal",
              [](Scope& s) {
                  s.owners = "ab";
                  s.writes = {{'a', "x"}, {'b', "y"}};
                  s.crashes = s.reconnects = 1;
                  s.may_crash = "a";
                  s.may_reconnect = "bc";
              }),
        scope("two sealers, two rounds",
              [](Scope& s) {
                  s.owners = "ab";
                  s.writes = {{'b', "x"}};
                  s.ticking = "bc";
                  s.rounds = 2;
              }),
        scope("a voter is replaced while another writes",
              [](Scope& s) {
                  s.owners = "ab";
                  s.followers = "d";
                  s.writes = {{'a', "cal2=d"}, {'b', "y"}};
              }),
    };
}

}  // namespace doozer::sim
