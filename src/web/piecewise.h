// Text that is made piece by piece. A file's value may be hundreds of megabytes, and its JSON six
// times that: to make it at once would take the time and the memory of everybody else.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/web_limits.h"

namespace doozer::web {

using namespace base;

/// What it costs to hold the value. One that others hold twice is in the store, in its tree or its
/// history, and counted there; what the store lets go is counted here within a second.
inline std::size_t share_of(Bytes const& value) {
    std::size_t const holders = value.references();
    return holders == 0 || holders > 2 ? 0 : value.size() / holders;
}

/// What one step of making an answer may still spend.
class StepBudget {
  public:
    [[nodiscard]] bool spent() const { return work_ == 0 || bytes_ == 0; }
    /// Looking at `bytes` bytes, or at web_entry_work for an entry.
    void look_at(std::size_t bytes) { work_ -= bytes < work_ ? bytes : work_; }
    /// Making `bytes` bytes of text.
    void made(std::size_t bytes) { bytes_ -= bytes < bytes_ ? bytes : bytes_; }
    [[nodiscard]] std::size_t work() const { return work_; }
    [[nodiscard]] std::size_t bytes() const { return bytes_; }

  private:
    std::size_t work_ = web_step_work;
    std::size_t bytes_ = web_step_bytes;
};

/// One thing that is told: a file, an event, a message of the page. First `before`, then the value
/// as a JSON string under a name that says which of two encodings it has, then `after`.
class Item {
  public:
    struct Names {
        std::string_view text;    ///< of a value that is UTF-8
        std::string_view base64;  ///< of any other
    };

    Item() = default;
    /// Text alone.
    explicit Item(std::string text) : before_(std::move(text)) {}
    /// Of the value, only the first `bytes_max` are told.
    Item(std::string before, Bytes value, Names names, std::string after,
         std::size_t bytes_max = SIZE_MAX);

    /// Appends the next part to `out`, as far as the budget goes.
    void make(std::string& out, StepBudget& budget);
    [[nodiscard]] bool is_done() const { return phase_ == Phase::done; }
    /// The memory it holds; of the value its share.
    [[nodiscard]] std::size_t charge() const;

  private:
    enum class Phase { before, judging, value, after, done };

    void judge(StepBudget& budget);
    void append_name(std::string& out) const;
    void append_text(std::string& out, StepBudget& budget);
    void append_base64(std::string& out, StepBudget& budget);

    std::string before_;
    Bytes value_;
    Names names_;
    std::string after_;
    std::size_t bytes_max_ = SIZE_MAX;
    std::string_view told_;     // what of the value is told
    std::size_t position_ = 0;  // in the value
    bool has_value_ = false;
    bool is_text_ = true;
    bool is_named_ = false;
    Phase phase_ = Phase::before;
};

/// All of it, for what is known to be small.
std::string text_of(Item item);

}  // namespace doozer::web
