#include "net/connection.h"

#include <array>
#include <utility>
#include <vector>

namespace doozer::net {
namespace {

/// How many pieces one system call sends.
constexpr std::size_t gather_max = 64;
/// Input that was taken whole leaves its memory behind, unless it is this large.
constexpr std::size_t kept_capacity_max = 4096;

}  // namespace

Connection::Connection(tcp::socket socket, ConnectionOwner& owner, ReadBuffer& buffer,
                       TlsServer const* server)
    : socket_(std::move(socket)), owner_(&owner), buffer_(buffer), tls_server_(server) {
    prepare_socket();
}

Connection::Connection(tcp::socket socket, ConnectionOwner& owner, ReadBuffer& buffer,
                       TlsClient const& client, std::string const& host)
    : socket_(std::move(socket)), owner_(&owner), buffer_(buffer), connected_here_(true) {
    tls_.emplace(client, host);
    prepare_socket();
}

void Connection::prepare_socket() {
    error_code ignored;  // a connection that is already broken says so when it is read
    socket_.non_blocking(true, ignored);
    socket_.set_option(tcp::no_delay(true), ignored);
}

void Connection::start() {
    if (connected_here_ && tls_) open_sealed({});
    resume();
}

void Connection::resume() {
    if (!paused_ || input_over_ || owner_ == nullptr) return;
    paused_ = false;
    if (!input_.empty()) offer({});
    if (!paused_) wait_readable();
}

void Connection::wait_readable() {
    if (waiting_readable_ || input_over_ || owner_ == nullptr) return;
    waiting_readable_ = true;
    socket_.async_wait(tcp::socket::wait_read,
                       [self = shared_from_this()](error_code const& error) {
                           self->waiting_readable_ = false;
                           if (!error) self->on_readable();
                       });
}

void Connection::on_readable() {
    if (paused_ || input_over_ || owner_ == nullptr) return;
    error_code error;
    std::size_t const size = socket_.read_some(asio::buffer(buffer_), error);
    if (error == asio::error::would_block) return wait_readable();
    bool const cut_short = tls_ && connected_here_ && !tls_->handshake_done();
    if (error) return end(cut_short ? tls_cut_short : std::string_view());
    bytes_read_ += size;
    std::string_view const arrived(buffer_.data(), size);
    if (TlsServer const* const server = std::exchange(tls_server_, nullptr)) {
        if (arrived.front() == tls_first_byte) {
            tls_.emplace(*server);
            owner_->on_handshake();
        }
    }
    tls_ ? open_sealed(arrived) : offer(arrived);
    if (!paused_) wait_readable();
}

void Connection::open_sealed(std::string_view arrived) {
    bool const shaking_hands = !tls_->handshake_done();
    std::string plain;
    auto const opened = tls_->open(arrived, plain);
    if (!plain.empty()) offer(plain);
    if (shaking_hands) flush();  // it has something to say
    if (!opened.ok()) return end(opened.error().detail);
    if (opened.value() == TlsFilter::Opened::ended) end();
}

/// Turns a part of the output into TLS records: not more than the socket is likely to take, so
/// that output() goes on telling how much the other side has not taken yet.
void Connection::seal_output() {
    while (tls_->handshake_done() && !output_.empty() && sealed_.size() < base::read_chunk_bytes) {
        std::string_view piece;
        (void)output_.front({&piece, 1});
        piece = piece.substr(0, base::read_chunk_bytes);
        tls_->seal(piece);
        output_.consume(piece.size());
        sealed_.append([&](std::string& out) { tls_->take_sealed(out); });
    }
    sealed_.append([&](std::string& out) { tls_->take_sealed(out); });
}

/// Hands up what was left over and what arrived, and keeps what is not taken.
void Connection::offer(std::string_view arrived) {
    if (input_.empty()) {
        std::size_t const taken = owner_->on_bytes(arrived);
        input_.assign(arrived.substr(taken));
        return;
    }
    input_.append(arrived);
    std::size_t const taken = owner_->on_bytes(input_);
    input_.erase(0, taken);
    if (input_.empty() && input_.capacity() > kept_capacity_max) std::string().swap(input_);
}

void Connection::end(std::string_view refused) {
    if (owner_ != nullptr && !std::exchange(input_over_, true)) owner_->on_end(refused);
}

/// Nothing that is left will ever be sent.
void Connection::broken() {
    output_ = {};
    sealed_ = {};
    end();
    if (owner_ != nullptr) owner_->on_drained();
}

/// One system call for as much as it can take; the simplest one if that is in one piece.
std::size_t Connection::write(OutputQueue const& queue, error_code& error) {
    std::array<std::string_view, gather_max> pieces;
    std::size_t const count = queue.front(pieces);
    if (count == 1) return socket_.write_some(asio::buffer(pieces[0]), error);
    std::vector<asio::const_buffer> buffers;
    buffers.reserve(count);
    for (std::size_t i = 0; i < count; ++i) buffers.emplace_back(asio::buffer(pieces[i]));
    return socket_.write_some(buffers, error);
}

void Connection::flush() {
    if (waiting_writable_ || !socket_.is_open()) return;
    OutputQueue& queue = tls_ ? sealed_ : output_;
    for (;;) {
        if (tls_) seal_output();
        if (queue.empty()) return;
        error_code error;
        std::size_t const sent = write(queue, error);
        if (error == asio::error::would_block) break;
        if (error) return broken();
        queue.consume(sent);
        bytes_written_ += sent;
    }
    waiting_writable_ = true;
    socket_.async_wait(tcp::socket::wait_write,
                       [self = shared_from_this()](error_code const& error) {
                           self->waiting_writable_ = false;
                           if (error) return;
                           self->flush();
                           if (self->owner_ != nullptr) self->owner_->on_drained();
                       });
}

void Connection::close() {
    owner_ = nullptr;
    error_code ignored;
    if (tls_ && all_sent()) {
        tls_->end();
        sealed_.append([&](std::string& out) { tls_->take_sealed(out); });
        if (!sealed_.empty()) (void)write(sealed_, ignored);
    }
    socket_.close(ignored);
}

bool Connection::has_input() const {
    error_code error;
    return !input_.empty() || socket_.available(error) > 0;
}

bool Connection::is_loopback() const {
    error_code error;
    auto const is_here = [](asio::ip::address const& address) {
        return address.is_loopback() ||
               (address.is_v6() && address.to_v6().is_v4_mapped() &&
                asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).is_loopback());
    };
    auto const near = socket_.local_endpoint(error);
    if (error) return false;
    auto const far = socket_.remote_endpoint(error);
    return !error && is_here(near.address()) && is_here(far.address());
}

std::string Connection::peer_host() const {
    error_code error;
    auto const endpoint = socket_.remote_endpoint(error);
    return error ? "a peer that has gone" : endpoint.address().to_string();
}

std::string Connection::peer() const {
    error_code error;
    auto const endpoint = socket_.remote_endpoint(error);
    if (error) return "a peer that has gone";
    bool const is_v6 = endpoint.address().is_v6();
    std::string const host = endpoint.address().to_string();
    return (is_v6 ? "[" + host + "]" : host) + ":" + std::to_string(endpoint.port());
}

}  // namespace doozer::net
