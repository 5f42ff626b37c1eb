#include "web/event_stream.h"

#include <optional>
#include <string>
#include <utility>

#include "base/parse.h"
#include "web/connection.h"
#include "web/json.h"
#include "web/server.h"
#include "web/stream.h"

namespace doozer::web {
namespace {

constexpr Duration heartbeat_time = seconds(15);

std::string id_line(store::Event const& event) {
    return "id: " + std::to_string(event.rev.value()) + "\ndata: ";
}

std::string as_sent(store::Event const& event) {
    return id_line(event) + text_of(event_item(event)) + "\n\n";
}

class EventStream : public Stream {
  public:
    using Stream::Stream;

    void on_tick(Instant now) override {
        // Before the head is sent, as while a wrong secret is held back, a heartbeat would be read
        // as the beginning of the answer.
        if (!last_sent_ || now - *last_sent_ < heartbeat_time) return;
        if (!is_between_items() || !connection().has_room()) return;
        last_sent_ = now;
        connection().send(":\n\n");
    }

  protected:
    void begin() override {
        std::string const* const text = request().parameter("glob");
        auto glob = store::Glob::parse(text != nullptr ? *text : "/**");
        auto const from = first_revision();
        if (!glob.ok()) return refuse(glob.error());
        if (!from.ok()) return refuse(from.error());
        last_sent_ = host().clock();
        connection().respond_head(
            {.content_type = "text/event-stream", .headers = {{"Cache-Control", "no-store"}}});
        connection().send("retry: 1000\n\n");
        follow(std::move(glob).value(), from.value());
        ready();
    }

    Next next(Item& item, StepBudget& budget) override {
        store::Event event;
        switch (find_event(event, budget)) {
            case Found::none_yet:
                return Next::none_yet;
            case Found::later:
                return Next::later;
            case Found::too_late:
                connection().send("event: error\ndata: {\"error\":\"TOO_LATE\"}\n\n");
                connection().close_when_sent();
                return Next::end;
            case Found::event:
                break;
        }
        if (event.value.size() <= web_cached_event_bytes_max) {
            item = Item(server().event_cache().text(event, as_sent));
        } else {
            connection().send(id_line(event));
            item = event_item(event);
            is_large_ = true;
        }
        return Next::item;
    }

    void put(std::string_view part, bool /*begins*/, bool ends) override {
        last_sent_ = now();
        connection().send(part);
        if (ends && std::exchange(is_large_, false)) connection().send("\n\n");
    }

  private:
    /// Behind the last event that was received, or from a revision, or what comes from now on. One
    /// that is not there yet is waited for: another member, which this client comes from, may be
    /// ahead; and to be refused is the end of an EventSource.
    Result<Revision> first_revision() {
        store::Store const& store = host().store();
        DOOZER_TRY(auto const given, revision());
        Revision from = given.value_or(store.revision().next());
        if (std::string const* const last = request().header("last-event-id")) {
            auto const number = parse_integer(*last);
            if (!number.ok() || number.value() >= revision_max.value())
                return Error{Errc::other, "Last-Event-ID: must be a revision"};
            from = Revision(number.value()).next();
        }
        from = std::max(from, Revision(1));
        if (from < store.first_revision()) return Error{Errc::too_late};
        return from;
    }

    bool is_large_ = false;             // the item is an event without what surrounds it
    std::optional<Instant> last_sent_;  // nothing before the stream has begun
};

}  // namespace

ExchangePtr make_event_stream(Call call) {
    return std::make_unique<EventStream>(std::move(call));
}

}  // namespace doozer::web
