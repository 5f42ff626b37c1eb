#include "store/history.h"

#include <utility>

#include "base/assert.h"

namespace doozer::store {

Record const& History::at(Revision rev) const {
    DOOZER_ASSERT(rev >= first() && rev <= newest_);
    std::size_t const i = offset_ + static_cast<std::size_t>(rev.value() - first().value());
    return blocks_[i / block_records][i % block_records];
}

void History::append(Record record) {
    // Skew-binary jumps: a search goes back twice as far with every step or so.
    // Myers, An applicative random-access stack, IPL 17(5), 1983.
    if (kept(record.previous)) {
        Record const& previous = at(record.previous);
        record.ordinal = previous.ordinal + 1;
        record.jump = record.previous;
        if (kept(previous.jump) && kept(at(previous.jump).jump)) {
            Record const& far = at(previous.jump);
            if (previous.ordinal - far.ordinal == far.ordinal - at(far.jump).ordinal) {
                record.jump = far.jump;
            }
        }
    }
    std::size_t const i = offset_ + size_;
    if (i / block_records == blocks_.size()) {
        blocks_.push_back(std::make_unique<Record[]>(block_records));  // NOLINT(*-avoid-c-arrays)
    }
    blocks_[i / block_records][i % block_records] = std::move(record);
    ++size_;
    ++newest_;
}

Record History::take_first() {
    DOOZER_ASSERT(size_ > 0);
    Record record = std::move(blocks_.front()[offset_]);
    --size_;
    if (++offset_ == block_records) {
        blocks_.pop_front();
        offset_ = 0;
    }
    return record;
}

Revision History::newest_not_after(Revision last, Revision at_rev) const {
    DOOZER_ASSERT(at_rev >= first());
    while (last > at_rev) {
        Record const& record = at(last);
        last = record.jump > at_rev ? record.jump : record.previous;
    }
    return kept(last) ? last : missing;
}

}  // namespace doozer::store
