#include "web/file_api.h"

#include <optional>
#include <string>
#include <utility>

#include "base/parse.h"
#include "store/path.h"
#include "web/json.h"
#include "web/producer.h"
#include "web/server.h"

namespace doozer::web {
namespace {

std::string tag_of(Revision rev) {
    return "\"" + std::to_string(rev.value()) + "\"";
}

/// The revision in an entity tag such as "12".
std::optional<Revision> revision_in(std::string_view tag) {
    if (tag.size() < 3 || !tag.starts_with('"') || !tag.ends_with('"')) return std::nullopt;
    auto const number = parse_integer(tag.substr(1, tag.size() - 2));
    // Below 0 are conditions of the protocol, not revisions: -1 would be none at all.
    if (!number.ok() || number.value() < 0) return std::nullopt;
    return Revision(number.value());
}

class FileExchange : public JsonAnswer {
  public:
    using JsonAnswer::JsonAnswer;

    [[nodiscard]] bool outlives_client() const override {
        return request().method == Method::put || request().method == Method::del;
    }

  protected:
    void begin() override {
        if (auto const path_ok = store::Path::parse(path()); !path_ok.ok()) {
            return refuse(path_ok.error());
        }
        switch (request().method) {
            case Method::put:
            case Method::del:
                return write();
            default:
                return read();
        }
    }

    void answered(std::vector<replica::Reply>& replies) override {
        replica::Reply const& reply = replies[0];
        if (reply.error) return refuse(*reply.error);
        switch (request().method) {
            case Method::put:
                return respond_written(*reply.rev);
            case Method::del:
                return respond({.status = 204});
            default:
                return respond_file(*reply.rev, *reply.value);
        }
    }

  private:
    void read() {
        auto const rev = revision();
        if (!rev.ok()) return refuse(rev.error());
        Request get;
        get.verb = Verb::get;
        get.path = path();
        get.rev = rev.value();
        ask(get);
    }

    void write() {
        auto const condition = condition_of_write();
        if (!condition.ok()) return refuse(condition.error());
        Request write;
        write.verb = request().method == Method::put ? Verb::set : Verb::del;
        write.path = path();
        write.value = request().body;
        write.rev = condition.value();
        ask(write);
        forget_body();
    }

    /// From the parameter or the header; without one there is none.
    [[nodiscard]] Result<Revision> condition_of_write() const {
        DOOZER_TRY(auto const rev, revision());
        std::string const* const match = request().header("if-match");
        std::string const* const none_match = request().header("if-none-match");
        if ((rev ? 1 : 0) + (match != nullptr ? 1 : 0) + (none_match != nullptr ? 1 : 0) > 1) {
            return Error{Errc::other, "more than one of rev, If-Match and If-None-Match"};
        }
        if (rev) return *rev;
        if (none_match != nullptr) {
            if (*none_match == "*") return missing;
            return Error{Errc::other, "If-None-Match: a write knows only *"};
        }
        if (match == nullptr) return clobber;
        if (auto const expected = revision_in(*match)) return *expected;
        return Error{Errc::other, "If-Match: must be one revision in quotes"};
    }

    void respond_written(Revision rev) {
        HttpResponse response = json_response(200, {{"path", path()}, {"rev", rev.value()}});
        response.headers.emplace_back("ETag", tag_of(rev));
        respond(std::move(response));
    }

    void respond_file(Revision rev, Bytes const& value) {
        if (rev == missing) return refuse({Errc::noent});
        HttpResponse response;
        response.headers.emplace_back("ETag", tag_of(rev));
        response.headers.emplace_back("Cache-Control", "no-cache");
        std::string const* const known = request().header("if-none-match");
        if (known != nullptr && *known == tag_of(rev)) {
            response.status = 304;
            return respond(std::move(response));
        }
        if (request().parameter("raw") == nullptr) {
            return respond_item(std::move(response), file_item(path(), rev, value), value.size());
        }
        response.content_type = "application/octet-stream";
        response.headers.emplace_back("Content-Disposition", "attachment");
        response.value = value;
        respond(std::move(response));
    }
};

class StatExchange : public Exchange {
  public:
    using Exchange::Exchange;

  protected:
    void begin() override {
        auto const rev = revision();
        if (!rev.ok()) return refuse(rev.error());
        if (auto const path_ok = store::Path::parse(path()); !path_ok.ok()) {
            return refuse(path_ok.error());
        }
        Request stat;
        stat.verb = Verb::stat;
        stat.path = path();
        stat.rev = rev.value();
        ask(stat);
    }

    void answered(std::vector<replica::Reply>& replies) override {
        replica::Reply const& reply = replies[0];
        if (reply.error) return refuse(*reply.error);
        if (*reply.rev == missing) return refuse({Errc::noent});
        bool const is_directory = *reply.rev == directory;
        json::object object{{"path", path()}, {"kind", is_directory ? "directory" : "file"}};
        if (!is_directory) object["rev"] = reply.rev->value();
        object[is_directory ? "entries" : "len"] = *reply.len;
        respond(json_response(200, object));
    }
};

/// The versions of a file that the history has, newest first.
class HistoryExchange : public JsonAnswer {
  public:
    using JsonAnswer::JsonAnswer;

  protected:
    void begin() override {
        if (auto const path_ok = store::Path::parse(path()); !path_ok.ok()) {
            return refuse(path_ok.error());
        }
        auto const most = limit();
        if (!most.ok()) return refuse(most.error());
        left_ = most.value();
        before_ = host().store().revision().next();
        ready();
    }
    void answered(std::vector<replica::Reply>& /*replies*/) override {}

    /// The history goes on between one step and the next: what it forgot meanwhile is left out.
    Next next(Item& item, StepBudget& /*budget*/) override {
        if (phase_ == Phase::over) return Next::end;
        if (phase_ == Phase::head) {
            phase_ = Phase::first;
            item = Item(head());
            return Next::item;
        }
        auto const change =
            left_ == 0 || bytes_ > web_answer_bytes_max
                ? std::nullopt
                : host().store().change_before(store::Path::trusted(path()), before_);
        if (!change) {
            phase_ = Phase::over;
            item = Item("]}");
            return Next::item;
        }
        bool const is_first = std::exchange(phase_, Phase::others) == Phase::first;
        --left_;
        before_ = change->rev;
        bytes_ += change->value.size();
        item = change_item(*change, is_first ? "" : ",");
        return Next::item;
    }

  private:
    enum class Phase { head, first, others, over };

    [[nodiscard]] std::string head() const {
        store::Store const& store = host().store();
        std::string text = text_of({{"path", path()},
                                    {"first", store.first_revision().value()},
                                    {"rev", store.revision().value()}});
        text.pop_back();
        return text + ",\"changes\":[";
    }

    Phase phase_ = Phase::head;
    Revision before_;  // the changes from here on were told
    std::size_t left_ = 0;
    std::size_t bytes_ = 0;
};

}  // namespace

ExchangePtr make_file(Call call) {
    return std::make_unique<FileExchange>(std::move(call));
}

ExchangePtr make_stat(Call call) {
    return std::make_unique<StatExchange>(std::move(call));
}

ExchangePtr make_history(Call call) {
    return std::make_unique<HistoryExchange>(std::move(call));
}

}  // namespace doozer::web
