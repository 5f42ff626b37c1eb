// What was delivered lately, for peers that lack it.
#pragma once

#include <deque>
#include <optional>

#include "consensus/batch.h"
#include "consensus/shared_queue.h"
#include "consensus/types.h"

namespace doozer::consensus {

/// A place in the one sequence.
struct Position {
    Epoch epoch;
    Slot slot;
    auto operator<=>(Position const&) const = default;
    DOOZER_FIELDS(epoch, slot);
};

/// A piece of the log of one epoch: complete in [from, upto).
struct LogRun {
    Items items;
    Slot upto;
    std::optional<Configuration> end;  // the configuration that followed, if upto ends the epoch
};

/// The tail of the delivered sequence, bounded in bytes.
class Log {
  public:
    /// Forgets everything; the next thing delivered is at `at`.
    void start(Position at);
    void append(Item item);
    /// Every slot of the current epoch below `upto` is delivered.
    void reach(Slot upto);
    /// The current epoch is over.
    void end(Configuration next);

    [[nodiscard]] Position tip() const;
    /// The run from `from` on, of about `bytes_max` at most but at least one item if there is one.
    /// None: the log does not reach back so far, or `from` is ahead of the tip.
    [[nodiscard]] std::optional<LogRun> read(Position from, std::size_t bytes_max) const;
    /// Drops the oldest items beyond `bytes_max`; keeps those from `pinned` on, up to four times
    /// that.
    void trim(std::size_t bytes_max, std::optional<Position> pinned);

  private:
    struct Chapter {
        Epoch epoch;
        Slot first;  // complete from here on
        Slot upto;
        SharedQueue<Item> items;  // a copy of a core shares them
        std::optional<Configuration> end;
        DOOZER_FIELDS(epoch, first, upto, items, end);
    };
    void drop_oldest();

    std::deque<Chapter> chapters_;  // consecutive epochs; the last is the current one
    std::size_t bytes_ = 0;
    DOOZER_FIELDS(chapters_, bytes_);
};

}  // namespace doozer::consensus
