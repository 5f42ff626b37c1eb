// MemberLinks: the messages on links that are up.
#include <utility>

#include "base/assert.h"
#include "server/clock.h"
#include "server/member_links.h"

namespace doozer::server {

using wire::Greeting;

bool MemberLinks::send(ProcessId const& to, base::Bytes message, Route route) {
    auto const found = links_.find(to);
    if (found == links_.end() || !found->second.frames->is_open()) return false;
    if (message.size() > base::member_message_bytes_max) return false;
    if (settings_.bounds.is_bulk(route, message.size())) {
        return send_bulk(found->second, std::move(message), route);
    }
    MemberConnection& frames = *found->second.frames;
    frames.send(std::move(message));
    if (settings_.bounds.cuts_off(frames.backlog())) frames.flush();
    if (settings_.bounds.cuts_off(frames.backlog())) frames.fail("it takes messages too slowly");
    return frames.is_open();
}

void MemberLinks::flush() {
    for (auto const& [id, link] : links_) {
        if (link.frames->is_open()) link.frames->flush();
        if (link.bulk && link.bulk->is_open()) link.bulk->flush();
    }
}

bool MemberLinks::send_bulk(Link& link, base::Bytes message, Route route) {
    std::size_t const waiting = link.waiting_bytes + (link.bulk ? link.bulk->backlog() : 0);
    if (settings_.bounds.drops_bulk(route, waiting, message.size())) return false;
    if (link.bulk) {
        if (link.bulk->is_open()) link.bulk->send(std::move(message));
        return link.bulk->is_open();
    }
    link.waiting_bytes += message.size();
    link.waiting.push_back(std::move(message));
    if (std::exchange(link.bulk_on_its_way, true)) return true;
    // The side that dialled can dial again; the other side might not get through.
    link.frames->is_dialled() ? dial_bulk(link) : link.frames->ask_for_bulk();
    return true;
}

void MemberLinks::on_bulk_wanted(MemberConnection& connection) {
    Link* const link = link_of(connection);
    if (link == nullptr || !connection.is_dialled() || link->bulk) return;
    if (!std::exchange(link->bulk_on_its_way, true)) dial_bulk(*link);
}

void MemberLinks::dial_bulk(Link& link) {
    auto const socket = std::make_shared<net::tcp::socket>(loop_);
    auto const endpoint = link.frames->connection().remote_endpoint();
    socket->async_connect(endpoint, [this, alive = std::weak_ptr(alive_), socket, id = link.peer.id,
                                     number = link.frames->link](net::error_code const& error) {
        if (!alive.expired()) bulk_connected(id, number, std::move(*socket), error);
    });
}

void MemberLinks::bulk_connected(ProcessId const& id, std::uint64_t number, net::tcp::socket socket,
                                 net::error_code const& error) {
    auto const found = links_.find(id);
    if (found == links_.end() || found->second.frames->link != number) return;
    if (error) {
        take_down(id, "no second connection: " + error.message());
        return tell_downs();
    }
    ConnectionPtr const connection = dialled(std::move(socket));
    connection->link = number;
    connection->send_greeting(greeting_for(Greeting::Kind::bulk, number, id));
}

void MemberLinks::attach_bulk(MemberConnection& connection) {
    Link& link = links_.at(connection.greeting().id);
    if (link.bulk) forget(*link.bulk);
    link.bulk = connection.shared_from_this();
    link.bulk_on_its_way = false;
    link.waiting_bytes = 0;
    for (base::Bytes& message : std::exchange(link.waiting, {})) {
        link.bulk->send(std::move(message));
    }
    link.bulk->flush();
}

/// All links together hold no more of unfinished messages than the longest message has that members
/// could send. Beyond that the link goes that holds most: it pays for its own memory, and clients
/// and other links do not.
bool MemberLinks::admits(MemberConnection& connection, std::size_t bytes) {
    std::size_t const mine = connection.unfinished_bytes() + bytes;
    for (;;) {
        std::size_t all = bytes;
        MemberConnection* largest = nullptr;
        for (ConnectionPtr const& other : connections_) {
            all += other->unfinished_bytes();
            bool const more =
                other.get() != &connection && other->unfinished_bytes() > mine &&
                (largest == nullptr || other->unfinished_bytes() > largest->unfinished_bytes());
            if (more) largest = other.get();
        }
        if (all <= settings_.bounds.unfinished_max) return true;
        if (largest == nullptr) return false;
        largest->fail("a message that does not end");
    }
}

void MemberLinks::cut(ProcessId const& peer, std::string const& why) {
    auto const found = links_.find(peer);
    if (found != links_.end()) found->second.frames->fail(why);
}

void MemberLinks::on_message(MemberConnection& connection, std::string_view body) {
    tell_downs();
    if (!connection.is_open()) return;
    ProcessId const id = connection.greeting().id;
    callbacks_.on_message(id, body);
}

}  // namespace doozer::server
