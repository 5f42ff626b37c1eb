#include "web/page_stream.h"

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "web/connection.h"
#include "web/json.h"
#include "web/question_count.h"
#include "web/server.h"
#include "web/stream.h"
#include "web/text.h"
#include "web/web_socket.h"

namespace doozer::web {
namespace {

constexpr Duration ping_time = seconds(20);
constexpr std::uint16_t close_going_away = 1001;
constexpr std::uint16_t close_protocol_error = 1002;
constexpr std::uint16_t close_try_again = 1013;

/// What asks for a WebSocket asks for it in all of these; RFC 6455, 4.2.1.
bool asks_for_web_socket(HttpRequest const& request) {
    auto const has = [&](std::string_view name, std::string_view wanted) {
        std::string const* const given = request.header(name);
        return given != nullptr && names_token(*given, wanted);
    };
    std::string const* const key = request.header("sec-websocket-key");
    return has("upgrade", "websocket") && has("connection", "upgrade") &&
           has("sec-websocket-version", "13") && !request.is_http_1_0 && !request.has_body &&
           key != nullptr && from_base64(*key).value_or("").size() == 16;
}

/// First every file that exists, then every change; of a file that changes faster than the page
/// takes it, the newest.
class PageStream : public Stream {
  public:
    using Stream::Stream;

    void on_tick(Instant now) override {
        if (!last_ping_) return;  // the WebSocket has not begun: a wrong secret is held back
        if (has_new_standing()) ready();
        if (now - *last_ping_ < ping_time || !connection().has_room()) return;
        last_ping_ = now;
        send(Opcode::ping, "");
    }

    std::size_t on_bytes(std::string_view bytes) override {
        std::size_t used = 0;
        for (;;) {
            auto const frame = take_client_frame(bytes.substr(used));
            if (!frame.ok()) {
                end_with(close_protocol_error, "");
                return bytes.size();
            }
            if (frame.value().size == 0) return used;
            used += frame.value().size;
            // A client that asks without reading is not answered: it would pile up.
            if (frame.value().opcode == Opcode::ping && connection().has_room()) {
                send(Opcode::pong, frame.value().payload);
            }
            if (frame.value().opcode == Opcode::close) {
                end_with(close_going_away, "");
                return bytes.size();
            }
        }
    }

    [[nodiscard]] std::size_t held_bytes() const override {
        std::size_t bytes = Stream::held_bytes() + change_bytes_;
        for (replica::Reply const& reply : files_) bytes += share_of(*reply.value);
        return bytes;
    }

  protected:
    void begin() override {
        auto const directory = path().ends_with('/') && path() != "//"
                                   ? store::Path::parse(path() == "/" ? "/" : below(path()))
                                   : Result<store::Path>(Error{Errc::noent});
        if (!directory.ok()) return refuse({Errc::noent});
        if (!asks_for_web_socket(request())) {
            HttpResponse response =
                error_response(426, "OTHER", "this address is a WebSocket, version 13");
            response.headers.emplace_back("Upgrade", "websocket");
            response.headers.emplace_back("Sec-WebSocket-Version", "13");
            return respond(std::move(response));
        }
        auto const body_max = number("body");
        if (!body_max.ok()) return refuse(body_max.error());
        if (body_max.value()) {
            body_bytes_max_ =
                static_cast<std::size_t>(std::max<std::int64_t>(*body_max.value(), 0));
        }
        directory_ = directory.value().is_root() ? "" : std::string(directory.value().text());
        glob_ = directory_ + "/**";
        upgrade();
    }

    void answered(std::vector<replica::Reply>& replies) override {
        if (phase_ == Phase::following) return Stream::answered(replies);
        asked_ = false;
        questions_.answered(replies);
        for (replica::Reply& reply : replies) {
            if (reply.error) {
                is_loaded_ = reply.error->code == Errc::range;
                is_lost_ = !is_loaded_;
                break;
            }
            files_.push_back(std::move(reply));
        }
        ready();
    }

    Next next(Item& item, StepBudget& budget) override {
        return phase_ == Phase::loading ? next_file(item) : next_change(item, budget);
    }

    void put(std::string_view part, bool begins, bool ends) override {
        send(begins ? Opcode::text : Opcode::continuation, part, ends);
    }

  private:
    struct Change {
        Revision rev;
        Revision seqn;
        Bytes value;
    };
    enum class Phase { loading, following };

    static std::string_view below(std::string const& directory) {
        return std::string_view(directory).substr(0, directory.size() - 1);
    }

    /// The page of this server asks to be told when it has everything, and how the process stands
    /// to its cluster.
    [[nodiscard]] bool is_ours() const { return request().parameter("mark") != nullptr; }
    [[nodiscard]] bool has_new_standing() {
        return phase_ == Phase::following && is_ours() && told_standing_ != server().standing();
    }

    void upgrade() {
        HttpResponse response{.status = 101};
        response.headers = {
            {"Upgrade", "websocket"},
            {"Connection", "Upgrade"},
            {"Sec-WebSocket-Accept", accept_of(*request().header("sec-websocket-key"))}};
        connection().respond_head(std::move(response));
        last_ping_ = host().clock();
        loaded_at_ = host().store().revision();
        follow(store::Glob::parse(glob_).value(), loaded_at_.next());
        ready();
    }

    Next next_file(Item& item) {
        if (!files_.empty()) {
            replica::Reply const file = std::move(files_.front());
            files_.pop_front();
            ++told_files_;
            item = item_of(file.path->view(), {*file.rev, loaded_at_, *file.value});
            return Next::item;
        }
        if (is_lost_) return lost();
        if (is_loaded_) {
            phase_ = Phase::following;
            if (!is_ours()) return Next::none_yet;
            item = Item(text_of({{"Loaded", told_files_}, {"Seqn", loaded_at_.value()}}));
            return Next::item;
        }
        if (!std::exchange(asked_, true)) ask_files();
        return Next::later;
    }

    void ask_files() {
        std::vector<Request> requests(questions_.count());
        for (Request& request : requests) {
            request.verb = Verb::walk;
            request.path = glob_;
            request.rev = loaded_at_;
            request.offset = offset_++;
        }
        ask(requests);
    }

    /// Changes are gathered, and then told; of a file that changed twice meanwhile, the newest.
    Next next_change(Item& item, StepBudget& budget) {
        if (has_new_standing()) {
            told_standing_ = server().standing();
            item = Item(text_of(
                {{"Majority", told_standing_->majority}, {"Writes", told_standing_->writes}}));
            return Next::item;
        }
        if (is_telling_) {
            auto const first = changes_.begin();
            item = item_of(first->first, first->second);
            changes_.erase(first);
            is_telling_ = !changes_.empty();
            if (!is_telling_) change_bytes_ = 0;
            return Next::item;
        }
        store::Event event;
        switch (find_event(event, budget)) {
            case Found::too_late:
                return lost();
            case Found::later:
                is_telling_ = !changes_.empty();
                return is_telling_ ? Next::none_yet : Next::later;
            case Found::event:
                gather(event);
                break;
            case Found::none_yet:
                break;
        }
        return Next::none_yet;
    }

    void gather(store::Event const& event) {
        if (event.kind == store::EventKind::nop) return;
        bool const gone = event.kind == store::EventKind::del;
        changes_[std::string(event.path)] = {gone ? missing : event.rev, event.rev, event.value};
        change_bytes_ += event.path.size() + sizeof(Change) + share_of(event.value);
        is_telling_ = changes_.size() >= web_events_per_service || change_bytes_ > web_step_bytes;
    }

    Next lost() {
        end_with(close_try_again, "TOO_LATE");
        return Next::end;
    }

    [[nodiscard]] Item item_of(std::string_view path, Change const& change) const {
        return page_item(path.substr(directory_.size()), change.rev, change.seqn, change.value,
                         body_bytes_max_);
    }

    void send(Opcode opcode, std::string_view payload, bool ends = true) {
        std::string frame;
        append_frame(frame, opcode, payload, ends);
        connection().send(frame);
    }

    void end_with(std::uint16_t code, std::string_view why) {
        send(Opcode::close, close_payload(code, why));
        connection().close_when_sent();
    }

    Phase phase_ = Phase::loading;
    std::string directory_;  // without its final slash
    std::string glob_;
    std::size_t body_bytes_max_ = SIZE_MAX;
    Revision loaded_at_;
    std::int32_t offset_ = 0;  // of the next file that is asked for
    std::int64_t told_files_ = 0;
    std::deque<replica::Reply> files_;
    QuestionCount questions_;
    bool asked_ = false;
    bool is_loaded_ = false;  // nothing comes behind files_
    bool is_lost_ = false;
    std::map<std::string, Change> changes_;
    std::size_t change_bytes_ = 0;
    bool is_telling_ = false;  // what was gathered
    std::optional<Standing> told_standing_;
    std::optional<Instant> last_ping_;  // nothing before the WebSocket has begun
};

}  // namespace

ExchangePtr make_page_stream(Call call) {
    return std::make_unique<PageStream>(std::move(call));
}

}  // namespace doozer::web
