#include "replica/change.h"

#include "base/little_endian.h"

namespace doozer::replica {
namespace {

constexpr unsigned char guard_mark = 0x10;  // no kind of mutation
constexpr char switch_mark = 0x11;          // nor this
constexpr char vouched_mark = 0x12;         // nor this

Error damaged() {
    return {Errc::other, "damaged guard"};
}

}  // namespace

std::string encode_switch(Rules to) {
    return {switch_mark, static_cast<char>(to)};
}

std::optional<Rules> switch_in(std::string_view batch) {
    if (batch.size() != 2 || batch[0] != switch_mark) return std::nullopt;
    return static_cast<Rules>(batch[1]);
}

void append_change(std::string& batch, Change const& change) {
    if (change.guard) {
        append_number(batch, guard_mark, 1);
        append_number(batch, static_cast<std::uint64_t>(change.guard->rev.value()), 8);
        append_number(batch, change.guard->path.text().size(), 2);
        batch += change.guard->path.text();
    }
    if (change.vouched) batch += vouched_mark;
    store::append_mutation(batch, change.mutation);
}

Result<Change> take_change(std::string_view& batch) {
    Change change{std::nullopt, {}};
    if (!batch.empty() && static_cast<unsigned char>(batch[0]) == guard_mark) {
        batch.remove_prefix(1);
        auto const rev = take_number(batch, 8);
        auto const size = take_number(batch, 2);
        auto const text = size ? take_text(batch, *size) : std::nullopt;
        if (!text) return damaged();
        auto const path = store::Path::parse(*text);
        if (!path.ok()) return damaged();
        change.guard = Guard{path.value(), Revision(static_cast<std::int64_t>(*rev))};
    }
    change.vouched = batch.starts_with(vouched_mark);
    if (change.vouched) batch.remove_prefix(1);
    DOOZER_TRY(change.mutation, store::take_mutation(batch));
    return change;
}

}  // namespace doozer::replica
