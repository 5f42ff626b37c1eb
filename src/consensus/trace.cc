#include "consensus/trace.h"

#include <array>

namespace doozer::consensus {

char const* name_of(Ignored reason) {
    static constexpr std::array<char const*, 18> names = {
        "unknown_link", "not_greeted",    "other_lineage", "malformed",   "epoch_over",
        "epoch_ahead",  "not_a_voter",    "not_an_owner",  "closed",      "gap",
        "stale_ballot", "stale_answer",   "behind_base",   "nothing_new", "queue_full",
        "bad_snapshot", "does_not_count", "resurrected"};
    static_assert(names.size() == static_cast<std::size_t>(Ignored::resurrected) + 1);
    return names.at(static_cast<std::size_t>(reason));
}

char const* name_of(Happened what) {
    static constexpr std::array<char const*, 15> names = {
        "entered_epoch",     "suspected",
        "prepared",          "sealed",
        "caught_up",         "snapshot_installed",
        "demotion_proposed", "readmission_proposed",
        "removed",           "diverged",
        "resurrected",       "forced",
        "left_behind",       "forgot",
        "copy_dropped"};
    static_assert(names.size() == static_cast<std::size_t>(Happened::copy_dropped) + 1);
    return names.at(static_cast<std::size_t>(what));
}

}  // namespace doozer::consensus
