// Stories: a cluster, a few lines of what happens to it, and what must come of it.
//
//   members a b c            voters; `spare d` is an address without a process
//   option kick 2s           also: park N, suspect 100ms, log BYTES, housekeeping off
//   set a k=v                a client writes by way of a; `cas a k=v 3` if the revision is 3
//   read a k                 a linearizable read
//   crash a | start a        start: a new process on a's address; `crash a silently`
//   pause a | resume a       a process that is not scheduled
//   retire a                 it is to end, and has been told so: it gives up its slot
//   cut a b | heal a b       from a to b only; `heal` alone mends everything
//   part a b                 cuts these off from all others, both ways
//   reset a b                the connection breaks; `stall a b 300ms`; `slow a 50ms`
//   run 500ms                time passes
//   expect k=v on a b        at once; with `within 2s` in between: waits for it as long as that
//   expect voters a b        likewise owners, epoch N; `expect seals N`; `expect fewer seals N`
//   expect retired a         it may end now: the others can go on without it
//   expect answered          the last write or read; likewise `unanswered`, `found v`
//
// Lines run one after the other; every invariant is checked all the time. At the end everything is
// mended, and all members must agree. Examples: tests/scenario.
#pragma once

#include <string>

namespace doozer::sim {

/// Empty, or the line and what is wrong.
std::string run_scenario(std::string const& text, bool trace);

}  // namespace doozer::sim
