#include "web/list_api.h"

#include <algorithm>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "web/json.h"
#include "web/producer.h"
#include "web/question_count.h"
#include "web/server.h"

namespace doozer::web {
namespace {

/// Asks for one offset after the other at one revision, until there are no more, or enough.
class ListingExchange : public JsonAnswer {
  public:
    ListingExchange(Call call, char const* name) : JsonAnswer(std::move(call)), name_(name) {}

  protected:
    void begin() override {
        auto const rev = revision();
        auto const most = limit();
        auto const first = number("offset");
        if (!rev.ok()) return refuse(rev.error());
        if (!most.ok()) return refuse(most.error());
        if (!first.ok()) return refuse(first.error());
        if (first.value() && (*first.value() < 0 || *first.value() >= INT32_MAX)) {
            return refuse({Errc::range});
        }
        rev_ = rev.value().value_or(host().store().revision());
        offset_ = static_cast<std::size_t>(first.value().value_or(0));
        end_ = std::min<std::size_t>(offset_ + most.value(), INT32_MAX);
        ready();
    }

    /// The request for any offset.
    virtual Request question() = 0;
    /// The next entry of those that were answered. False: there are no more.
    virtual bool take_entry(Item& item, std::string_view lead) = 0;

    Next next(Item& item, StepBudget& /*budget*/) override {
        if (phase_ == Phase::over) return Next::end;
        if (phase_ == Phase::asking) {
            // What is wrong with the question is known with the first answers.
            if (!std::exchange(asked_, true)) ask_offsets();
            return Next::later;
        }
        if (phase_ == Phase::head) {
            phase_ = Phase::first;
            item = Item("{\"rev\":" + std::to_string(rev_.value()) + ",\"" + name_ + "\":[");
            return Next::item;
        }
        bool const is_full = bytes_ > web_answer_bytes_max;
        if (!is_full && offset_ < end_) {
            if (take_entry(item, phase_ == Phase::first ? "" : ",")) {
                phase_ = Phase::others;
                ++offset_;
                return Next::item;
            }
            if (!at_end_) {
                if (!std::exchange(asked_, true)) ask_offsets();
                return Next::later;
            }
        } else if (has_more()) {
            at_end_ = false;
        }
        phase_ = Phase::over;
        item = Item(at_end_ ? "]}" : "],\"next\":" + std::to_string(offset_) + "}");
        return Next::item;
    }

    void ask_offsets() {
        std::vector<Request> requests(std::min(questions_.count(), end_ - offset_));
        std::size_t offset = offset_;
        for (Request& request : requests) {
            request = question();
            request.rev = rev_;
            request.offset = static_cast<std::int32_t>(offset++);
        }
        ask(requests);
    }

    /// How many of the replies come before the end. False if there was an error.
    bool count(std::vector<replica::Reply> const& replies, std::size_t& found) {
        questions_.answered(replies);
        for (found = 0; found < replies.size(); ++found) {
            auto const& error = replies[found].error;
            if (!error) continue;
            at_end_ = true;
            if (error->code == Errc::range) break;
            if (try_to_refuse(*error)) return false;
            // The history has gone on: who asks for the rest is told so.
            at_end_ = false;
            end_ = offset_ + found;
            break;
        }
        return true;
    }

    /// next() goes on with what was answered.
    void has_answers() {
        asked_ = false;
        if (phase_ == Phase::asking) phase_ = Phase::head;
        ready();
    }

    /// What the entry counts for in the size of the answer.
    void add_bytes(std::size_t bytes) { bytes_ += bytes; }
    [[nodiscard]] virtual bool has_more() const = 0;
    [[nodiscard]] Revision at() const { return rev_; }

  private:
    enum class Phase { asking, head, first, others, over };

    char const* const name_;  // of the list of entries
    Phase phase_ = Phase::asking;
    QuestionCount questions_;
    Revision rev_;
    std::size_t offset_ = 0;  // of the next entry that is told
    std::size_t end_ = 0;
    std::size_t bytes_ = 0;
    bool asked_ = false;
    bool at_end_ = false;  // nothing comes behind what was answered
};

class WalkExchange : public ListingExchange {
  public:
    explicit WalkExchange(Call call) : ListingExchange(std::move(call), "files") {}

    [[nodiscard]] std::size_t held_bytes() const override {
        std::size_t bytes = ListingExchange::held_bytes();
        for (replica::Reply const& file : files_) {
            bytes += file.path->size() + share_of(*file.value);
        }
        return bytes;
    }

  protected:
    void begin() override {
        std::string const* const glob = request().parameter("glob");
        glob_ = glob != nullptr ? *glob : "/**";
        ListingExchange::begin();
    }

    Request question() override {
        Request walk;
        walk.verb = Verb::walk;
        walk.path = glob_;
        return walk;
    }

    void answered(std::vector<replica::Reply>& replies) override {
        std::size_t found = 0;
        if (!count(replies, found)) return;
        replies.resize(found);
        for (replica::Reply& reply : replies) files_.push_back(std::move(reply));
        has_answers();
    }

    bool take_entry(Item& item, std::string_view lead) override {
        if (files_.empty()) return false;
        replica::Reply const& file = files_.front();
        add_bytes(file.path->size() + file.value->size());
        item = file_item(file.path->view(), *file.rev, *file.value, lead);
        files_.pop_front();
        return true;
    }

    [[nodiscard]] bool has_more() const override { return !files_.empty(); }

  private:
    std::string glob_;
    std::deque<replica::Reply> files_;
};

class ListExchange : public ListingExchange {
  public:
    explicit ListExchange(Call call) : ListingExchange(std::move(call), "entries") {}

  protected:
    Request question() override {
        Request getdir;
        getdir.verb = Verb::getdir;
        getdir.path = path();
        return getdir;
    }

    /// First the names, then what each of them is.
    void answered(std::vector<replica::Reply>& replies) override {
        if (names_.empty()) {
            std::size_t found = 0;
            if (!count(replies, found)) return;
            for (std::size_t i = 0; i < found; ++i) names_.emplace_back(replies[i].path->view());
            return names_.empty() ? has_answers() : ask_stats();
        }
        for (std::size_t i = 0; i < names_.size(); ++i) {
            replica::Reply const& reply = replies[i];
            // The history has gone on since the names were found: the listing ends here.
            if (reply.error) {
                if (try_to_refuse(*reply.error)) return;
                break;
            }
            bool const is_directory = *reply.rev == directory;
            json::object entry{{"name", names_[i]}, {"kind", is_directory ? "directory" : "file"}};
            if (!is_directory) entry["rev"] = reply.rev->value();
            entry[is_directory ? "entries" : "len"] = *reply.len;
            entries_.push_back(text_of(entry));
        }
        names_.clear();
        has_answers();
    }

    bool take_entry(Item& item, std::string_view lead) override {
        if (entries_.empty()) return false;
        add_bytes(entries_.front().size());
        item = Item(std::string(lead) + entries_.front());
        entries_.pop_front();
        return true;
    }

    [[nodiscard]] bool has_more() const override { return !entries_.empty(); }

  private:
    void ask_stats() {
        std::vector<std::string> paths;
        std::vector<Request> requests(names_.size());
        paths.reserve(names_.size());
        for (std::size_t i = 0; i < names_.size(); ++i) {
            paths.push_back((path() == "/" ? "" : path()) + "/" + names_[i]);
            requests[i].verb = Verb::stat;
            requests[i].path = paths.back();
            requests[i].rev = at();
        }
        ask(requests);
    }

    std::vector<std::string> names_;
    std::deque<std::string> entries_;  // as JSON
};

}  // namespace

ExchangePtr make_walk(Call call) {
    return std::make_unique<WalkExchange>(std::move(call));
}

ExchangePtr make_list(Call call) {
    return std::make_unique<ListExchange>(std::move(call));
}

}  // namespace doozer::web
