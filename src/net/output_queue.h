// What a connection has still to send: small things in one growing string, large ones as shared
// bytes that are never copied, all of it written with as few system calls as the kernel allows.
#pragma once

#include <cstddef>
#include <deque>
#include <span>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace doozer::net {

class OutputQueue {
  public:
    /// Calls write(std::string&), which appends to the string what is to be sent.
    template <typename Write>
    void append(Write write) {
        if (chunks_.empty() || !chunks_.back().shared.empty()) chunks_.emplace_back();
        std::string& text = chunks_.back().text;
        std::size_t const before = text.size();
        write(text);
        size_ += text.size() - before;
    }

    /// REQUIRES: content is not empty.
    void append(base::Bytes content);

    /// Fills `pieces` with what comes next and returns how many there are; none is empty. They are
    /// valid until the queue is changed.
    std::size_t front(std::span<std::string_view> pieces) const;

    /// Forgets the first `bytes`, which were sent. REQUIRES: bytes <= size().
    void consume(std::size_t bytes);

    [[nodiscard]] bool empty() const { return size_ == 0; }
    [[nodiscard]] std::size_t size() const { return size_; }

  private:
    /// Either text or shared content.
    struct Chunk {
        std::string text;
        base::Bytes shared;
        [[nodiscard]] std::string_view view() const {
            return shared.empty() ? std::string_view(text) : shared.view();
        }
    };

    std::deque<Chunk> chunks_;
    std::size_t sent_ = 0;  // of the first chunk
    std::size_t size_ = 0;
};

}  // namespace doozer::net
