#include "web/event_stream.h"

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

std::string as_sent(store::Event const& event) {
    std::string text = "id: " + std::to_string(event.rev.value()) + "\ndata: ";
    text += text_of(event_object(event.path, event.rev, event.kind, event.value.view()));
    text += "\n\n";
    return text;
}

class EventStream : public Stream {
  public:
    using Stream::Stream;

    void on_tick(Instant now) override {
        if (!begun_ || now - last_sent_ < heartbeat_time) return;
        last_sent_ = now;
        connection().send(":\n\n");
    }

  protected:
    void begin() override { ask_whether_readable(); }

    void answered(std::vector<replica::Reply>& replies) override {
        if (begun_) return Stream::answered(replies);
        if (replies[0].error) return refuse(*replies[0].error);
        std::string const* const text = request().parameter("glob");
        auto glob = store::Glob::parse(text != nullptr ? *text : "/**");
        auto const from = first_revision();
        if (!glob.ok()) return refuse(glob.error());
        if (!from.ok()) return refuse(from.error());
        begun_ = true;
        last_sent_ = host().clock();
        connection().respond_head(
            {.content_type = "text/event-stream", .headers = {{"Cache-Control", "no-store"}}});
        connection().send("retry: 1000\n\n");
        follow(std::move(glob).value(), from.value());
    }

    void tell(store::Event const& event) override {
        connection().send(server().event_cache().text(event, as_sent));
    }
    void told() override { last_sent_ = host().clock(); }

    void too_late() override {
        connection().send("event: error\ndata: {\"error\":\"TOO_LATE\"}\n\n");
        connection().close_when_sent();
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

    bool begun_ = false;
    Instant last_sent_;
};

}  // namespace

ExchangePtr make_event_stream(Call call) {
    return std::make_unique<EventStream>(std::move(call));
}

}  // namespace doozer::web
