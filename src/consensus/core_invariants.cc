#include "consensus/core_invariants.h"

#include "consensus/validity.h"

namespace doozer::consensus {

namespace {

std::uint64_t counted(Core const& core) {
    std::uint64_t sum = 0;
    for (auto const& [id, oseq] : core.applied_oseq()) sum += oseq.value();
    return sum;
}

/// I8: the step that begins an epoch has not read any lane of it yet.
bool votes_at_the_beginning(Core const& core) {
    for (Lane l = 0; l < core.lanes(); ++l) {
        bool const own = core.configuration().owners[l] == core.me();
        if (!own && core.lane(l).upto() > core.delivered()) return true;
    }
    return false;
}

}  // namespace

std::optional<std::string> CoreInvariants::check(Core const& core) {
    if (auto bad = check_configuration(core.configuration())) return bad;
    if (auto bad = check_state(core)) return bad;
    Frontier const upto = core.vector().upto;
    if (before_) {
        if (auto bad = check_step(*before_, core, upto)) return bad;
    }
    if (!before_ || before_->epoch != core.epoch()) seen_.clear();
    if (auto bad = check_items(core)) return bad;
    if (!before_) before_ = Before{};
    before_->epoch = core.epoch();
    before_->delivered = core.delivered();
    before_->applied = core.applied();
    before_->upto = upto;
    before_->counted = counted(core);
    // Its value is shared, and to copy what is the same would count its owners up and down.
    Acceptor const& acceptor = core.acceptor();
    before_->acceptor.promised = acceptor.promised;
    before_->acceptor.accepted = acceptor.accepted;
    if (before_->acceptor.value != acceptor.value) before_->acceptor.value = acceptor.value;
    return std::nullopt;
}

/// One that equals the last that was found valid is not looked at again: it seldom changes.
std::optional<std::string> CoreInvariants::check_configuration(Configuration const& c) {
    if (c == valid_) return std::nullopt;
    if (c.epoch > Epoch(0) && !valid(c)) return "the configuration is not valid";
    valid_ = c;
    return std::nullopt;
}

std::optional<std::string> CoreInvariants::check_state(Core const& core) {
    Configuration const& c = core.configuration();
    if (core.lanes() != (core.voter() ? c.owners.size() : 0)) return "lanes that are not owners'";
    Acceptor const& a = core.acceptor();
    if (a.accepted > a.promised) return "I3: accepted above what was promised";
    if ((a.accepted > Ballot(0)) != (a.value != nullptr)) return "I3: accepted without a value";
    if (a.value && a.value->base > core.delivered()) return "I12: accepted a seal below its base";
    if (core.applied_oseq().size() != c.voters.size())
        return "I11: a count for one who is no voter";
    // Both are in order, and no id is in one of them twice.
    bool const of_voters = std::equal(c.voters.begin(), c.voters.end(), core.applied_oseq().begin(),
                                      [](MemberId id, auto const& of) { return id == of.first; });
    if (!of_voters) return "I11: counts batches of one who is no voter";
    if (!core.voter() && core.unsettled() > 0) return "own batches without a vote";
    return std::nullopt;
}

std::optional<std::string> CoreInvariants::check_step(Before const& was, Core const& is,
                                                      Frontier const& upto) {
    if (is.epoch() == Epoch(0)) return std::nullopt;  // its copy was dropped
    if (is.epoch() < was.epoch) return "I7: the epoch went back";
    if (is.applied() < was.applied) return "I7: applied batches were lost";
    if (is.epoch() > was.epoch) {
        if (votes_at_the_beginning(is)) return "I8: votes in an epoch before it is entered";
        return std::nullopt;
    }
    if (is.applied() - was.applied != counted(is) - was.counted) {
        return "I11: applied other batches than those that count";
    }
    if (is.delivered() < was.delivered) return "I7: delivery went back";
    if (is.acceptor().promised < was.acceptor.promised) return "I3: a promise went back";
    if (is.acceptor().accepted < was.acceptor.accepted) return "I3: an accepted ballot went back";
    bool const closed_before = was.acceptor.promised > Ballot(0);
    for (Lane l = 0; l < upto.size(); ++l) {
        if (upto[l] < was.upto[l]) return "I1: a lane's frontier went back";
        if (closed_before && upto[l] != was.upto[l]) return "I3: a lane moved after the promise";
        for (Item const& item : is.lane(l).items()) {
            bool const is_new = item.slot >= was.upto[l];
            if (is_new || item.slot >= was.delivered) continue;
            return "I1: an item that is delivered is still there";
        }
    }
    return std::nullopt;
}

std::optional<std::string> CoreInvariants::check_items(Core const& core) {
    for (Lane l = 0; l < core.lanes(); ++l) {
        LaneCopy const& lane = core.lane(l);
        if (!valid(lane.items(), Slot(0), lane.upto())) return "I1: items out of order";
        for (Item const& item : lane.items()) {
            if (core.configuration().lane_of(item.slot) != l) return "I1: an item in a wrong lane";
            if (item.slot >= core.seen()) return "an item above the highest seen";
            if (!same_item(item)) return "I2: two batches in one slot of a lane";
        }
    }
    if (!core.acceptor().value) return std::nullopt;
    for (Item const& item : core.acceptor().value->items) {
        if (!same_item(item)) return "I2: a seal changes the batch of a slot";
    }
    return std::nullopt;
}

bool CoreInvariants::same_item(Item const& item) {
    auto const [at, is_new] = seen_.try_emplace(item.slot, item.batch);
    return is_new || at->second == item.batch;
}

}  // namespace doozer::consensus
