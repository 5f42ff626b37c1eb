#include "web/page_stream.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "web/connection.h"
#include "web/json.h"
#include "web/server.h"
#include "web/stream.h"
#include "web/web_socket.h"

namespace doozer::web {
namespace {

constexpr Duration ping_time = seconds(20);
constexpr std::size_t questions_max = 64;
constexpr std::uint16_t close_going_away = 1001;
constexpr std::uint16_t close_protocol_error = 1002;
constexpr std::uint16_t close_try_again = 1013;

/// First every file that exists, then every change; of a file that changes faster than the page
/// takes it, the newest.
class PageStream : public Stream {
  public:
    using Stream::Stream;

    void on_tick(Instant now) override {
        if (phase_ == Phase::asking || now - last_ping_ < ping_time) return;
        last_ping_ = now;
        send(Opcode::ping, "");
    }

    std::size_t on_bytes(std::string_view bytes) override {
        if (phase_ == Phase::asking) return 0;
        std::size_t used = 0;
        for (;;) {
            auto const frame = take_client_frame(bytes.substr(used));
            if (!frame.ok()) {
                end(close_protocol_error, "");
                return bytes.size();
            }
            if (frame.value().size == 0) return used;
            used += frame.value().size;
            if (frame.value().opcode == Opcode::ping) send(Opcode::pong, frame.value().payload);
            if (frame.value().opcode == Opcode::close) {
                end(close_going_away, "");
                return bytes.size();
            }
        }
    }

    void on_drained() override {
        if (waiting_for_room_ && has_room()) {
            waiting_for_room_ = false;
            phase_ == Phase::loading ? ask_files() : send_changes();
        }
        Stream::on_drained();
    }

  protected:
    void begin() override {
        std::string const* const version = request().header("sec-websocket-version");
        auto const directory = path().ends_with('/') && path() != "//"
                                   ? store::Path::parse(path() == "/" ? "/" : below(path()))
                                   : Result<store::Path>(Error{Errc::noent});
        if (!directory.ok()) return refuse({Errc::noent});
        if (request().header("sec-websocket-key") == nullptr || version == nullptr ||
            *version != "13") {
            HttpResponse response = error_response(426, "OTHER", "a WebSocket, version 13");
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
        ask_whether_readable();
    }

    void answered(std::vector<replica::Reply>& replies) override {
        switch (phase_) {
            case Phase::asking:
                if (replies[0].error) return refuse(*replies[0].error);
                return upgrade();
            case Phase::loading:
                return add_files(replies);
            case Phase::following:
                return Stream::answered(replies);
        }
    }

    void tell(store::Event const& event) override {
        if (event.kind == store::EventKind::nop) return;
        bool const gone = event.kind == store::EventKind::del;
        changes_[std::string(event.path)] = {gone ? missing : event.rev, event.rev, event.value};
    }
    void told() override { send_changes(); }
    bool is_ready_for_more() override {
        if (!changes_.empty()) send_changes();
        return changes_.empty() && has_room();
    }
    void too_late() override { end(close_try_again, "TOO_LATE"); }

  private:
    struct Change {
        Revision rev;
        Revision seqn;
        Bytes value;
    };
    enum class Phase { asking, loading, following };

    static std::string_view below(std::string const& directory) {
        return std::string_view(directory).substr(0, directory.size() - 1);
    }

    void upgrade() {
        HttpResponse response{.status = 101};
        response.headers = {
            {"Upgrade", "websocket"},
            {"Connection", "Upgrade"},
            {"Sec-WebSocket-Accept", accept_of(*request().header("sec-websocket-key"))}};
        connection().respond_head(std::move(response));
        phase_ = Phase::loading;
        last_ping_ = host().clock();
        loaded_at_ = host().store().revision();
        ask_files();
    }

    void ask_files() {
        std::vector<Request> requests(questions_max);
        std::int32_t offset = offset_;
        for (Request& request : requests) {
            request.verb = Verb::walk;
            request.path = glob_;
            request.rev = loaded_at_;
            request.offset = offset++;
        }
        ask(requests);
    }

    void add_files(std::vector<replica::Reply> const& replies) {
        for (replica::Reply const& reply : replies) {
            if (reply.error && reply.error->code == Errc::range) return follow_changes();
            if (reply.error) return too_late();
            ++offset_;
            send_file(reply.path->view(), {*reply.rev, loaded_at_, *reply.value});
        }
        if (has_room()) return ask_files();
        waiting_for_room_ = true;
    }

    void follow_changes() {
        // Ours alone asks for it: a page has to know when it has everything.
        if (request().parameter("mark") != nullptr) {
            send(Opcode::text, text_of({{"Loaded", offset_}, {"Seqn", loaded_at_.value()}}));
        }
        phase_ = Phase::following;
        follow(store::Glob::parse(glob_).value(), loaded_at_.next());
    }

    void send_changes() {
        while (!changes_.empty() && has_room()) {
            auto const& [path, change] = *changes_.begin();
            send_file(path, change);
            changes_.erase(changes_.begin());
        }
        if (changes_.size() > web_page_changes_max) return end(close_try_again, "too slow");
        waiting_for_room_ = !changes_.empty();
    }

    void send_file(std::string_view path, Change const& change) {
        send(Opcode::text, page_message(path.substr(directory_.size()), change.rev, change.seqn,
                                        change.value.view(), body_bytes_max_));
    }

    void send(Opcode opcode, std::string_view payload) {
        std::string frame;
        append_frame(frame, opcode, payload);
        connection().send(frame);
    }

    void end(std::uint16_t code, std::string_view why) {
        send(Opcode::close, close_payload(code, why));
        connection().close_when_sent();
    }

    Phase phase_ = Phase::asking;
    std::string directory_;  // without its final slash
    std::string glob_;
    std::size_t body_bytes_max_ = SIZE_MAX;
    Revision loaded_at_;
    std::int32_t offset_ = 0;
    std::map<std::string, Change> changes_;
    bool waiting_for_room_ = false;
    Instant last_ping_;
};

}  // namespace

ExchangePtr make_page_stream(Call call) {
    return std::make_unique<PageStream>(std::move(call));
}

}  // namespace doozer::web
