#include "web/producer.h"

#include "web/connection.h"
#include "web/json.h"
#include "web/server.h"

namespace doozer::web {
namespace {

/// What is made at once, since to wait for a turn would take longer.
constexpr std::size_t at_once_bytes_max = 8 * KiB;

Item done_item() {
    Item item;
    StepBudget budget;
    std::string nothing;
    item.make(nothing, budget);
    return item;
}

}  // namespace

Producer::Producer(Call call) : Exchange(std::move(call)), item_(done_item()) {
    server().schedule().add(session(), *this);
}

Producer::~Producer() {
    server().schedule().remove(session());
}

void Producer::ready(Instant not_before) {
    if (over_ || std::exchange(is_due_, true)) return;
    server().schedule().due(session(), not_before, host().clock());
}

void Producer::serve(Instant now) {
    is_due_ = false;
    if (over_ || connection().is_answered()) return;
    if (!connection().has_room()) {
        blocked_ = true;
        return;
    }
    now_ = now;
    StepBudget budget;
    bool const goes_on = make_step(budget);
    if (connection().is_answered()) return;
    served(over_);
    server().charge(connection());
    if (goes_on) ready();
}

/// False: there is nothing more to be made for now.
bool Producer::make_step(StepBudget& budget) {
    std::string part;
    while (!budget.spent() && !over_) {
        if (item_.is_done()) {
            budget.look_at(web_entry_work);
            Next const what = next(item_, budget);
            if (connection().is_answered()) return false;
            if (what == Next::later) return false;
            if (what == Next::end) over_ = true;
            begins_ = what == Next::item;
            continue;
        }
        part.clear();
        item_.make(part, budget);
        if (part.empty()) continue;
        put(part, std::exchange(begins_, false), item_.is_done());
    }
    return !over_;
}

void Producer::on_drained() {
    if (blocked_ && connection().has_room()) {
        blocked_ = false;
        ready();
    }
}

void JsonAnswer::respond_item(HttpResponse head, Item item, std::size_t value_bytes) {
    head_ = std::move(head);
    if (value_bytes <= at_once_bytes_max) {
        end();
        head_.body = text_of(std::move(item)) + '\n';
        return respond(std::move(head_));
    }
    only_ = std::move(item);
    ready();
}

bool JsonAnswer::try_to_refuse(Error const& error) {
    if (head_sent_) return false;
    end();
    refuse(error);
    return true;
}

Producer::Next JsonAnswer::next(Item& item, StepBudget& /*budget*/) {
    if (!only_) return Next::end;
    item = *std::exchange(only_, std::nullopt);
    return Next::item;
}

void JsonAnswer::put(std::string_view part, bool /*begins*/, bool /*ends*/) {
    body_ += part;
}

void JsonAnswer::served(bool ended) {
    if (ended) body_ += '\n';
    if (!head_sent_ && ended) {
        head_.body = std::move(body_);
        return respond(std::move(head_));
    }
    if (!ended && body_.size() < web_step_bytes / 2) return;
    if (!std::exchange(head_sent_, true)) {
        connection().begin_parts(std::move(head_));
        if (request().method == Method::head) {
            end();
            return connection().end_parts();
        }
    }
    if (!body_.empty()) connection().send_part(body_);
    std::string().swap(body_);
    if (ended) connection().end_parts();
}

}  // namespace doozer::web
