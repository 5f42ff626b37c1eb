#include "net/connection.h"

#include <array>
#include <utility>

namespace doozer::net {
namespace {

/// How many pieces one system call sends.
constexpr std::size_t gather_max = 64;
/// Input that was taken whole leaves its memory behind, unless it is this large.
constexpr std::size_t kept_capacity_max = 4096;

}  // namespace

Connection::Connection(tcp::socket socket, ConnectionOwner& owner, ReadBuffer& buffer)
    : socket_(std::move(socket)), owner_(&owner), buffer_(buffer) {
    error_code ignored;  // a connection that is already broken says so when it is read
    socket_.non_blocking(true, ignored);
    socket_.set_option(tcp::no_delay(true), ignored);
}

void Connection::resume() {
    if (!paused_ || owner_ == nullptr) return;
    paused_ = false;
    if (!input_.empty()) offer({});
    if (!paused_) wait_readable();
}

void Connection::wait_readable() {
    if (waiting_readable_ || owner_ == nullptr) return;
    waiting_readable_ = true;
    socket_.async_wait(tcp::socket::wait_read,
                       [self = shared_from_this()](error_code const& error) {
                           self->waiting_readable_ = false;
                           if (!error) self->on_readable();
                       });
}

void Connection::on_readable() {
    if (paused_ || owner_ == nullptr) return;
    error_code error;
    std::size_t const size = socket_.read_some(asio::buffer(buffer_), error);
    if (error == asio::error::would_block) return wait_readable();
    if (error) return end();
    offer({buffer_.data(), size});
    if (!paused_) wait_readable();
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

void Connection::end() {
    if (ConnectionOwner* const owner = std::exchange(owner_, nullptr)) owner->on_end();
}

void Connection::flush() {
    if (waiting_writable_ || !socket_.is_open()) return;
    while (!output_.empty()) {
        std::array<asio::const_buffer, gather_max> buffers;
        std::size_t count = 0;
        for (std::string_view const piece : output_.front(gather_max)) {
            buffers[count++] = asio::const_buffer(piece.data(), piece.size());
        }
        error_code error;
        std::size_t const sent = socket_.write_some(buffers, error);
        if (error == asio::error::would_block) break;
        if (error) {
            output_.consume(output_.size());
            return end();
        }
        output_.consume(sent);
    }
    if (output_.empty()) return;
    waiting_writable_ = true;
    socket_.async_wait(tcp::socket::wait_write,
                       [self = shared_from_this()](error_code const& error) {
                           self->waiting_writable_ = false;
                           if (!error) self->flush();
                       });
}

void Connection::close() {
    owner_ = nullptr;
    error_code ignored;
    socket_.close(ignored);
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
