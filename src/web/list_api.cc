#include "web/list_api.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "web/json.h"
#include "web/server.h"

namespace doozer::web {
namespace {

/// How many offsets are asked for at a time.
constexpr std::size_t questions_max = 64;

/// Asks for one offset after the other at one revision, until there are no more, or enough.
class ListingExchange : public Exchange {
  public:
    using Exchange::Exchange;

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
        ask_offsets();
    }

    void ask_offsets() {
        std::vector<Request> requests(std::min(questions_max, end_ - offset_));
        std::size_t offset = offset_;
        for (Request& request : requests) {
            request = question();
            request.rev = rev_;
            request.offset = static_cast<std::int32_t>(offset++);
        }
        ask(requests);
    }

    /// The request for any offset.
    virtual Request question() = 0;

    /// How many of the replies come before the end. False if there was an error, which is answered.
    bool count(std::vector<replica::Reply> const& replies, std::size_t& found) {
        for (found = 0; found < replies.size(); ++found) {
            auto const& error = replies[found].error;
            if (!error) continue;
            if (error->code == Errc::range) break;
            refuse(*error);
            return false;
        }
        at_end_ = found < replies.size();
        return true;
    }

    void add(json::object entry, std::size_t bytes) {
        ++offset_;
        bytes_ += bytes;
        entries_.push_back(std::move(entry));
    }
    [[nodiscard]] bool is_full() const { return bytes_ > web_answer_bytes_max; }

    void go_on(char const* name) {
        if (!at_end_ && !is_full() && offset_ < end_) return ask_offsets();
        json::object object{{"rev", rev_.value()}, {name, std::move(entries_)}};
        if (!at_end_) object["next"] = offset_;
        respond(json_response(200, object));
    }

    [[nodiscard]] Revision at() const { return rev_; }
    void clear_end() { at_end_ = false; }

  private:
    Revision rev_;
    std::size_t offset_ = 0;
    std::size_t end_ = 0;
    std::size_t bytes_ = 0;
    bool at_end_ = false;
    json::array entries_;
};

class WalkExchange : public ListingExchange {
  public:
    using ListingExchange::ListingExchange;

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
        for (std::size_t i = 0; i < found; ++i) {
            if (is_full()) {
                clear_end();
                break;
            }
            replica::Reply const& reply = replies[i];
            add(file_object(reply.path->view(), *reply.rev, reply.value->view()),
                reply.path->size() + reply.value->size());
        }
        go_on("files");
    }

  private:
    std::string glob_;
};

class ListExchange : public ListingExchange {
  public:
    using ListingExchange::ListingExchange;

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
            if (!names_.empty()) return ask_stats();
            return go_on("entries");
        }
        for (std::size_t i = 0; i < names_.size(); ++i) {
            replica::Reply const& reply = replies[i];
            if (reply.error) return refuse(*reply.error);
            bool const is_directory = *reply.rev == directory;
            json::object entry{{"name", names_[i]}, {"kind", is_directory ? "directory" : "file"}};
            if (!is_directory) entry["rev"] = reply.rev->value();
            entry[is_directory ? "entries" : "len"] = *reply.len;
            add(std::move(entry), names_[i].size());
        }
        names_.clear();
        go_on("entries");
    }

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
};

}  // namespace

ExchangePtr make_walk(Call call) {
    return std::make_unique<WalkExchange>(std::move(call));
}

ExchangePtr make_list(Call call) {
    return std::make_unique<ListExchange>(std::move(call));
}

}  // namespace doozer::web
