#include "client/fake_server.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <stdexcept>
#include <utility>

#include "base/limits.h"
#include "wire/client_codec.h"
#include "wire/frame.h"

namespace doozer::client {
namespace {

constexpr int patience_ms = 10'000;

void wait_readable(int fd, char const* what) {
    pollfd p{fd, POLLIN, 0};
    if (::poll(&p, 1, patience_ms) != 1)
        throw std::runtime_error(std::string("the fake server waited in vain for ") + what);
}

char const* verb_name(base::Verb verb) {
    switch (verb) {
        case base::Verb::get:
            return "GET";
        case base::Verb::set:
            return "SET";
        case base::Verb::del:
            return "DEL";
        case base::Verb::rev:
            return "REV";
        case base::Verb::wait:
            return "WAIT";
        case base::Verb::nop:
            return "NOP";
        case base::Verb::walk:
            return "WALK";
        case base::Verb::getdir:
            return "GETDIR";
        case base::Verb::stat:
            return "STAT";
        case base::Verb::self:
            return "SELF";
        case base::Verb::access:
            return "ACCESS";
        case base::Verb::force:
            return "FORCE";
        case base::Verb::status:
            return "STATUS";
        case base::Verb::list:
            return "LIST";
    }
    return "?";
}

Question owned(base::Request const& r) {
    Question q;
    q.tag = r.tag.value().value();
    q.verb = r.verb.value();
    q.path = r.path;
    q.value = r.value;
    q.offset = r.offset;
    if (r.rev) q.rev = r.rev->value();
    if (r.min_rev) q.min_rev = r.min_rev->value();
    q.linear = r.linear;
    return q;
}

}  // namespace

std::string Question::text() const {
    std::string out = verb_name(verb);
    if (path) out += " " + *path;
    if (value) out += " value=" + *value;
    if (offset) out += " offset=" + std::to_string(*offset);
    if (rev) out += " rev=" + std::to_string(*rev);
    if (linear) out += " linear";
    return out;
}

Reply event(std::int64_t rev, std::string path, std::string value, std::int32_t flags) {
    Reply reply;
    reply.rev = rev;
    reply.path = std::move(path);
    reply.value = std::move(value);
    reply.flags = flags;
    return reply;
}

Reply refused(base::Errc error, std::optional<std::string> detail) {
    Reply reply;
    reply.error = error;
    reply.detail = std::move(detail);
    return reply;
}

// --- Peer --------------------------------------------------------------------------------------

Peer::Peer(net::tcp::socket socket) : stream_(std::make_shared<Stream>(std::move(socket))) {}

Peer::~Peer() {
    stop();
}

void Peer::stop() {
    if (!server_.joinable()) return;
    ::shutdown(stream_->socket.native_handle(), SHUT_RDWR);
    server_.join();
}

bool Peer::fill() {
    wait_readable(stream_->socket.native_handle(), "the client");
    stream_->buffer.erase(0, std::exchange(stream_->handled, 0));
    char chunk[65536];
    net::error_code failure;
    std::size_t const n = stream_->socket.read_some(net::asio::buffer(chunk), failure);
    if (failure) return false;
    stream_->buffer.append(chunk, n);
    return true;
}

Question Peer::next() {
    for (;;) {
        wire::FrameSplitter frames(std::string_view(stream_->buffer).substr(stream_->handled),
                                   512 * base::MiB);
        auto const body = frames.next();
        if (!body.ok()) throw std::runtime_error(body.error().detail);
        if (body.value()) {
            auto const request = wire::decode_request(*body.value());
            if (!request.ok()) throw std::runtime_error(request.error().detail);
            Question question = owned(request.value());
            stream_->handled += frames.consumed();
            return question;
        }
        if (!fill()) throw std::runtime_error("the client closed the connection");
    }
}

std::vector<Question> Peer::next(std::size_t n) {
    std::vector<Question> questions;
    while (questions.size() < n) questions.push_back(next());
    return questions;
}

Question Peer::expect(std::string const& text) {
    Question question = next();
    EXPECT_EQ(question.text(), text);
    return question;
}

void Peer::expect_closed() {
    while (fill()) stream_->handled = stream_->buffer.size();
}

void Peer::answer(std::vector<std::pair<Question, Reply>> const& replies) {
    std::string bytes;
    for (auto const& [question, reply] : replies) {
        base::Response r;
        r.tag = base::Tag(question.tag);
        if (reply.rev) r.rev = base::Revision(*reply.rev);
        r.path = reply.path;
        r.value = reply.value;
        r.flags = reply.flags;
        r.len = reply.len;
        r.err_code = reply.error;
        r.err_detail = reply.detail;
        if (reply.applied) r.applied = base::Revision(*reply.applied);
        wire::append_response(bytes, r);
    }
    send_bytes(bytes);
}

void Peer::send_bytes(std::string const& bytes) {
    net::error_code failure;  // the client may be gone
    net::asio::write(stream_->socket, net::asio::buffer(bytes), failure);
}

void Peer::shake_hands(std::initializer_list<std::string> secrets, std::int64_t rev,
                       std::string const& store) {
    for (std::string const& secret : secrets) answer(expect("ACCESS value=" + secret), {});
    Reply reply;
    reply.rev = rev;
    answer(expect("REV"), reply);
    answer_status(store);
}

void Peer::answer_status(std::string const& store) {
    Reply reply = refused(base::Errc::unknown_verb);
    if (!store.empty()) {
        reply = {};
        reply.value = store;
    }
    answer(expect("STATUS lineage"), reply);
}

void Peer::close() {
    stream_->socket.close();
}

void Peer::serve(std::function<std::optional<Reply>(Question const&)> reply) {
    server_ = std::thread([stream = stream_, reply = std::move(reply)] {
        Peer peer(stream);
        try {
            for (;;) {
                Question const question = peer.next();
                if (auto const r = reply(question)) peer.answer(question, *r);
            }
        } catch (std::runtime_error const&) {
            // The client has closed the connection, or the test is over.
        }
    });
}

// --- FakeServer --------------------------------------------------------------------------------

FakeServer::FakeServer() : acceptor_(io_) {
    listen();
    port_ = acceptor_.local_endpoint().port();
}

void FakeServer::listen() {
    net::tcp::endpoint const endpoint(net::asio::ip::make_address("127.0.0.1"), port_);
    acceptor_.open(endpoint.protocol());
    acceptor_.set_option(net::tcp::acceptor::reuse_address(true));
    acceptor_.bind(endpoint);
    acceptor_.listen();
}

void FakeServer::refuse() {
    acceptor_.close();
}

Peer FakeServer::accept() {
    wait_readable(acceptor_.native_handle(), "a connection");
    return Peer(acceptor_.accept());
}

// --- both ends ---------------------------------------------------------------------------------

std::string uri_of(std::initializer_list<FakeServer*> servers) {
    std::string uri = "doozer:?";
    for (FakeServer const* const server : servers) uri += "ca=" + server->address() + "&";
    uri.pop_back();
    return uri;
}

Timing fast() {
    Timing timing;
    timing.delay_min = std::chrono::milliseconds(1);
    timing.delay_max = std::chrono::milliseconds(5);
    // A machine that is busy must not make a test hear heartbeats.
    timing.heartbeat_after = std::chrono::minutes(10);
    timing.silence_max = std::chrono::minutes(20);
    // Nor questions that the test does not ask for.
    timing.learn_after = std::chrono::minutes(10);
    timing.catch_up = std::chrono::minutes(10);
    return timing;
}

std::future<Result<Client>> connecting(std::string const& uri, Options const& options,
                                       Timing const& timing) {
    return std::async(std::launch::async, [uri, options, timing]() -> Result<Client> {
        auto const parsed = parse_uri(uri);
        if (!parsed.ok()) return parsed.error();
        return Core::connect(*parsed, options, timing);
    });
}

Pair connect(FakeServer& server, std::string const& uri, Options const& options,
             Timing const& timing) {
    auto client = connecting(uri, options, timing);
    Peer peer = server.accept();
    peer.shake_hands();
    return Pair{std::move(peer), client.get().value()};
}

Pair connect(FakeServer& server) {
    return connect(server, uri_of({&server}));
}

}  // namespace doozer::client
