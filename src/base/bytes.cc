#include "base/bytes.h"

#include <cstring>
#include <limits>
#include <new>

#include "base/assert.h"

namespace doozer::base {

Bytes::Bytes(std::string_view content) {
    if (content.empty()) return;
    DOOZER_ASSERT(content.size() <= std::numeric_limits<std::uint32_t>::max());
    void* const memory = ::operator new(sizeof(Block) + content.size());
    block_ = new (memory) Block{1, static_cast<std::uint32_t>(content.size())};
    std::memcpy(block_->content(), content.data(), content.size());
}

void Bytes::free_block(Block* block) noexcept {
    ::operator delete(block);
}

}  // namespace doozer::base
