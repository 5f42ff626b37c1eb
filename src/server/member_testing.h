// Ends of member links on real sockets, for tests: each listens as a process does, and remembers
// what it is told.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "net/listener.h"
#include "server/client_session.h"
#include "server/clock.h"
#include "server/member_links.h"

namespace doozer::server {

inline net::SharedKey key_of(std::string const& secret) {
    return net::SharedKey::derive(secret, std::string(member_protocol));
}

/// "AAAA..." and so on: ids in the order of their letters.
inline base::ProcessId id_of(char letter) {
    return base::ProcessId(base::process_id_chars, letter);
}

class MemberEnd : public SessionHost {
  public:
    MemberEnd(net::asio::io_context& loop, char letter, MemberLinks::Settings settings = {},
              std::string cluster = "local")
        : loop_(loop),
          cluster_(std::move(cluster)),
          listener_(
              loop, [this](net::tcp::socket socket) { on_accept(std::move(socket)); },
              [](std::string const&) {}),
          links(loop, buffer_, with_seed(settings, letter), callbacks()) {
        if (settings.key) tls_ = net::TlsServer::make(std::nullopt, {*settings.key}).value();
        EXPECT_TRUE(listener_.listen({"127.0.0.1", 0}).ok());
        listener_.start();
        become(letter);
    }

    void become(char letter) {
        id = id_of(letter);
        links.set_self({id, cluster_, listener_.address()});
    }
    [[nodiscard]] std::string address() const { return net::to_string(listener_.address()); }
    [[nodiscard]] net::tcp::endpoint endpoint() const {
        return {net::asio::ip::address_v4::loopback(), listener_.address().port};
    }
    void dial(MemberEnd const& other) { links.want({{other.address(), {}}}); }
    [[nodiscard]] bool linked(MemberEnd const& other) const { return links.is_linked(other.id); }
    bool tell(MemberEnd const& other, std::string_view text) {
        bool const taken = links.send(other.id, base::Bytes(text));
        links.flush();
        return taken;
    }
    void stop_listening() { listener_.stop(); }
    void accept_only(std::string const& secret) { tls_ = tls_->with_keys({key_of(secret)}); }

    void on_activity(ClientSession& /*session*/) override {}
    void on_request(ClientSession& /*session*/, base::Request const& /*request*/) override {}
    void on_client_end(ClientSession& session, std::string_view why) override {
        client_ends.emplace_back(why);
        remove_later(session.id());
    }
    void on_member(ClientSession& session) override {
        net::asio::post(loop_, [this, number = session.id()] {
            auto const found = sessions_.extract(number);
            if (found) links.adopt(found.mapped()->take_connection());
        });
    }

  private:
    static MemberLinks::Settings with_seed(MemberLinks::Settings settings, char letter) {
        settings.seed = static_cast<std::uint64_t>(letter);
        return settings;
    }
    MemberLinks::Callbacks callbacks() {
        MemberLinks::Callbacks callbacks;
        callbacks.on_link_up = [this](MemberPeer const& peer) {
            ups.push_back(peer);
            story += "+" + peer.id.substr(0, 1);
        };
        callbacks.on_link_down = [this](base::ProcessId const& who, std::string const& why) {
            downs.push_back(why);
            story += "-" + who.substr(0, 1);
        };
        callbacks.on_message = [this](base::ProcessId const& from, std::string_view body) {
            if (on_message) on_message(from, body);
            messages[from].emplace_back(body);
        };
        callbacks.on_refused = [this](RefusedLink const& link) { refused.push_back(link); };
        return callbacks;
    }
    void on_accept(net::tcp::socket socket) {
        base::SessionId const number = next_session_;
        ++next_session_;
        auto session =
            std::make_unique<ClientSession>(number, *this, std::move(socket), buffer_,
                                            tls_ ? &*tls_ : nullptr, base::frame_bytes_floor);
        session->start();
        sessions_.emplace(number, std::move(session));
    }
    void remove_later(base::SessionId number) {
        net::asio::post(loop_, [this, number] {
            auto const found = sessions_.find(number);
            if (found == sessions_.end()) return;
            found->second->close();
            sessions_.erase(found);
        });
    }

    net::asio::io_context& loop_;
    std::string cluster_;
    net::ReadBuffer buffer_;
    net::Listener listener_;
    std::optional<net::TlsServer> tls_;
    std::map<base::SessionId, std::unique_ptr<ClientSession>> sessions_;
    base::SessionId next_session_{1};

  public:
    base::ProcessId id;
    std::vector<MemberPeer> ups;
    std::vector<std::string> downs;
    std::string story;  ///< "+B-B": links up and down, in order
    std::map<base::ProcessId, std::vector<std::string>> messages;
    std::function<void(base::ProcessId const&, std::string_view)> on_message;
    std::vector<RefusedLink> refused;
    std::vector<std::string> client_ends;
    MemberLinks links;
};

}  // namespace doozer::server
