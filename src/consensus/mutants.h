// The rules of the protocol, each of which can be broken by compiling with -DDOOZER_MUTANT=name.
// The tests are believed because every mutant dies by them (scripts/mutants, docs/testing.md).
#pragma once

#ifndef DOOZER_MUTANT
#define DOOZER_MUTANT none
#endif

namespace doozer::consensus {

enum class Mutant {
    none,
    propose_after_promise,     // R1: an owner goes on after it promised a seal
    accept_after_promise,      // R3: a voter goes on accepting lanes after it promised
    ignore_gap,                // R3: ops behind a gap are taken
    count_any_epoch,           // R4: a vote of another epoch counts
    deliver_unchosen,          // R5: an item is delivered without a majority
    votes_of_strangers,        // R4: a vector of one who is no voter counts
    shortest_prefix,           // R8: the seal takes the shortest lane
    ignore_accepted,           // R8: the seal ignores values accepted before
    lowest_base,               // R8: base = the smallest D
    accept_below_base,         // R8: accepted without having delivered up to base
    apply_below_base,          // R9: applied without having delivered up to base
    drop_promised_items,       // R8: the items reported in promises are forgotten
    keep_epoch_at_stop_sign,   // R5: delivery goes on behind a stop sign in the lanes
    apply_later_run_early,     // R11: a run of an ended epoch is applied before its END is there
    catch_up_refuses_promise,  // R11: a member that catches up refuses to promise
    ignore_run_gap,            // R11: a run that starts ahead of D is applied
    raise_lanes_when_closed,   // R11: a closed voter raises its lanes with D
    no_oseq_filter,            // R5: copies of a forwarded batch count twice
    oseq_above,                // R5: "oseq > last" instead of "== last + 1"
    count_removed_origin,      // R5: batches of removed voters count
    read_ignores_closed,       // a read counts answers of closed voters
    read_minority,             // a read is content with fewer than a majority
    read_does_not_wait,        // a read is answered before D reaches X
    stale_ballot_promised,     // R8: a lower ballot is promised too
    stream_from_anywhere,      // R6: a frame hides that items before it were dropped
    prevote_always_yes,        // R7: a healthy voter helps to close the epoch
    never_suspect,             // R7: nobody ever asks to close the epoch
    forget_own_batches,        // R10: own batches that were void are not proposed again
    forward_once,              // R7: a forwarded batch is not sent again
    keep_sealed_out_owner,     // R8: a dead owner stays an owner
    words_outlive_epoch,       // kick: whom a peer missed is kept for the voters of the next epoch
    word_of_the_silent,        // kick: what one said who is not heard any more counts
    no_read_retry,             // reads that met the end of an epoch are not asked again
};

/// Is this rule broken in this build? Never asked about `none`.
constexpr bool mutated(Mutant m) {
    return m == Mutant::DOOZER_MUTANT;
}

}  // namespace doozer::consensus
