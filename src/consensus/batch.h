// A batch: what one slot holds. The core orders batches and never looks into one.
#pragma once

#include <memory>
#include <optional>

#include "base/bytes.h"
#include "consensus/hasher.h"
#include "consensus/types.h"

namespace doozer::consensus {

/// A control batch: ends this epoch, and names the owners of the next. Has an effect only if it is
/// delivered in the epoch that it names; nobody proposes it again. See
/// docs/consensus.md, R10 End of an epoch.
struct NextEpoch {
    Epoch ends;
    MemberIds owners;
    bool operator==(NextEpoch const&) const = default;
    DOOZER_FIELDS(ends, owners);
};

/// A counted reference to one immutable batch; null where a slot holds none.
class Batch {
  public:
    Batch() = default;
    Batch(MemberId origin, Oseq oseq, Bytes payload)
        : body_(std::make_shared<Body const>(Body{origin, oseq, std::move(payload), {}})) {}
    Batch(MemberId origin, NextEpoch control)
        : body_(std::make_shared<Body const>(Body{origin, Oseq(0), {}, std::move(control)})) {}

    explicit operator bool() const { return body_ != nullptr; }
    /// The member that made it, which is not always the owner of the lane that carries it.
    [[nodiscard]] MemberId origin() const { return body_->origin; }
    [[nodiscard]] Oseq oseq() const { return body_->oseq; }
    [[nodiscard]] Bytes const& payload() const { return body_->payload; }
    [[nodiscard]] std::optional<NextEpoch> const& control() const { return body_->control; }
    /// How much it counts against the bounds on bytes in flight and in the log.
    [[nodiscard]] std::size_t weight() const { return body_->payload.size() + sizeof(Body); }
    bool operator==(Batch const& o) const {
        return body_ == o.body_ || (body_ && o.body_ && *body_ == *o.body_);
    }

  private:
    struct Body {
        MemberId origin;
        Oseq oseq;  // 0: a control batch, which is not numbered
        Bytes payload;
        std::optional<NextEpoch> control;
        bool operator==(Body const&) const = default;
        DOOZER_FIELDS(origin, oseq, payload, control);
    };
    std::shared_ptr<Body const> body_;
    DOOZER_FIELDS(body_);
};

/// A batch in its slot.
struct Item {
    Slot slot;
    Batch batch;
    bool operator==(Item const&) const = default;
    DOOZER_FIELDS(slot, batch);
};
using Items = std::vector<Item>;  // in slot order

}  // namespace doozer::consensus
