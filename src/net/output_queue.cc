#include "net/output_queue.h"

#include <utility>

#include "base/assert.h"

namespace doozer::net {
namespace {

/// An emptied string keeps its memory for the next reply, unless it is this large.
constexpr std::size_t kept_capacity_max = 16'384;

}  // namespace

void OutputQueue::append(base::Bytes content) {
    DOOZER_ASSERT(!content.empty());
    size_ += content.size();
    if (!chunks_.empty() && chunks_.back().view().empty()) chunks_.pop_back();
    std::size_t const charge = content.size() / content.references() + sizeof(Chunk);
    charge_ += charge;
    chunks_.push_back({{}, std::move(content), charge});
}

std::size_t OutputQueue::front(std::span<std::string_view> pieces) const {
    std::size_t count = 0;
    for (Chunk const& chunk : chunks_) {
        if (count == pieces.size()) break;
        std::string_view const piece = chunk.view().substr(count == 0 ? sent_ : 0);
        if (!piece.empty()) pieces[count++] = piece;
    }
    return count;
}

void OutputQueue::consume(std::size_t bytes) {
    DOOZER_ASSERT(bytes <= size_);
    size_ -= bytes;
    sent_ += bytes;
    while (!chunks_.empty() && sent_ >= chunks_.front().view().size()) {
        Chunk& first = chunks_.front();
        sent_ -= first.view().size();
        charge_ -= std::exchange(first.charge, 0);
        first.text.clear();
        bool const keep = size_ == 0 && first.shared.empty() && chunks_.size() == 1 &&
                          first.text.capacity() <= kept_capacity_max;
        if (keep) return;
        chunks_.pop_front();
    }
}

}  // namespace doozer::net
