#include "web/piecewise.h"

#include <algorithm>
#include <array>
#include <utility>

#include "web/text.h"

namespace doozer::web {
namespace {

constexpr std::string_view hex_digits = "0123456789abcdef";

/// How a character is written in a JSON string; RFC 8259, 7.
void append_escaped(std::string& out, char c) {
    switch (c) {
        case '"':
            out += "\\\"";
            return;
        case '\\':
            out += "\\\\";
            return;
        case '\b':
            out += "\\b";
            return;
        case '\f':
            out += "\\f";
            return;
        case '\n':
            out += "\\n";
            return;
        case '\r':
            out += "\\r";
            return;
        case '\t':
            out += "\\t";
            return;
        default:
            break;
    }
    auto const byte = static_cast<unsigned char>(c);
    out += "\\u00";
    out += hex_digits[byte >> 4];
    out += hex_digits[byte & 15];
}

bool needs_escape(char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\';
}

}  // namespace

Item::Item(std::string before, Bytes value, Names names, std::string after, std::size_t bytes_max)
    : before_(std::move(before)),
      value_(std::move(value)),
      names_(names),
      after_(std::move(after)),
      bytes_max_(bytes_max),
      has_value_(true) {}

void Item::make(std::string& out, StepBudget& budget) {
    // The end is never left over: a part that ends the item is a part with text in it.
    while (phase_ == Phase::after || (phase_ != Phase::done && !budget.spent())) {
        switch (phase_) {
            case Phase::before:
                out += before_;
                budget.made(before_.size());
                phase_ = has_value_ ? Phase::judging : Phase::after;
                break;
            case Phase::judging:
                judge(budget);
                break;
            case Phase::value:
                if (!std::exchange(is_named_, true)) append_name(out);
                is_text_ ? append_text(out, budget) : append_base64(out, budget);
                if (position_ < told_.size()) break;
                out += '"';
                phase_ = Phase::after;
                break;
            case Phase::after:
                out += after_;
                budget.made(after_.size());
                phase_ = Phase::done;
                value_ = {};
                break;
            case Phase::done:
                break;
        }
    }
}

/// Whether the value is text is known only when all of it was looked at.
void Item::judge(StepBudget& budget) {
    std::string_view const value = value_.view();
    std::size_t const before = position_;
    std::size_t const until = before + std::min(budget.work(), value.size() - before);
    is_text_ = skip_utf8(value, position_, until);
    budget.look_at(std::max<std::size_t>(position_ - before, 1));
    if (is_text_ && position_ < value.size()) return;
    told_ = is_text_ ? cut_utf8(value, bytes_max_) : value.substr(0, bytes_max_);
    position_ = 0;
    phase_ = Phase::value;
}

void Item::append_name(std::string& out) const {
    out += '"';
    out += is_text_ ? names_.text : names_.base64;
    out += "\":\"";
}

void Item::append_text(std::string& out, StepBudget& budget) {
    std::size_t const before = out.size();
    std::size_t const end = before + budget.bytes();
    while (position_ < told_.size() && out.size() < end) {
        std::string_view const rest = told_.substr(position_, end - out.size());
        auto const plain = static_cast<std::size_t>(
            std::find_if(rest.begin(), rest.end(), needs_escape) - rest.begin());
        out += rest.substr(0, plain);
        position_ += plain;
        if (plain < rest.size()) append_escaped(out, told_[position_++]);
    }
    budget.made(out.size() - before);
}

void Item::append_base64(std::string& out, StepBudget& budget) {
    std::size_t const groups = budget.bytes() / 4 + 1;
    std::string_view const piece = told_.substr(position_, groups * 3);
    out += to_base64(piece);
    position_ += piece.size();
    budget.made(piece.size() / 3 * 4 + 1);
}

std::size_t Item::charge() const {
    return before_.capacity() + after_.capacity() + share_of(value_);
}

std::string text_of(Item item) {
    std::string text;
    while (!item.is_done()) {
        StepBudget budget;
        item.make(text, budget);
    }
    return text;
}

}  // namespace doozer::web
