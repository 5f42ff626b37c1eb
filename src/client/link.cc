#include "client/link.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/assert.h"
#include "base/limits.h"
#include "wire/frame.h"

namespace doozer::client {
namespace {

/// The longest answer that is taken: as long as an honest server's can be.
constexpr std::size_t client_frame_bytes_max = base::frame_bytes_max(base::value_bytes_ceiling);

}  // namespace

Link::Link(asio::io_context& io) : socket_(io) {}

void Link::connect(LinkPtr const& link, std::vector<net::tcp::endpoint> endpoints,
                   std::function<void(net::error_code)> done) {
    link->endpoints_ = std::move(endpoints);
    asio::async_connect(
        link->socket_, link->endpoints_,
        [link, done = std::move(done)](net::error_code failure, net::tcp::endpoint const&) {
            if (!link->open_) return;
            net::error_code ignored;
            if (!failure) link->socket_.set_option(net::tcp::no_delay(true), ignored);
            done(failure);
        });
}

void Link::start(LinkPtr const& link, Owner owner) {
    link->owner_ = std::move(owner);
    link->received_at_ = Clock::now();
    if (link->tls_) link->open_sealed(0);
    if (!link->sending_) write(link);
    read(link);
}

void Link::close() {
    if (!open_) return;
    open_ = false;
    owner_ = Owner{};
    net::error_code ignored;
    socket_.close(ignored);
}

void Link::lose(std::string const& reason) {
    if (!open_) return;
    auto const lost = std::move(owner_.lost);
    close();
    if (lost) lost(reason);
}

void Link::send(LinkPtr const& link, std::string& bytes) {
    if (!link->open_) return;
    if (link->queued_.empty())
        std::swap(link->queued_, bytes);
    else
        link->queued_ += bytes;
    bytes.clear();
    if (!link->sending_) write(link);
}

/// What goes to the system next: everything, or with TLS the next part of it, and what the
/// handshake has to say.
void Link::fill_outgoing() {
    outgoing_.clear();
    if (!tls_) return std::swap(outgoing_, queued_);
    if (tls_->handshake_done() && !queued_.empty()) {
        auto const piece = std::string_view(queued_).substr(sealed_, base::client_send_bytes);
        tls_->seal(piece);
        sealed_ += piece.size();
        if (sealed_ == queued_.size()) {
            queued_.clear();
            sealed_ = 0;
        }
    }
    tls_->take_sealed(outgoing_);
}

void Link::write(LinkPtr const& link) {
    DOOZER_ASSERT(!link->sending_);
    link->fill_outgoing();
    if (link->outgoing_.empty()) return;
    link->sending_ = true;
    auto const note_progress = [link](net::error_code const& failure, std::size_t) -> std::size_t {
        link->sent_at_ = Clock::now();
        return failure ? 0 : base::read_chunk_bytes;
    };
    asio::async_write(link->socket_, asio::buffer(link->outgoing_), note_progress,
                      [link](net::error_code failure, std::size_t) {
                          link->sending_ = false;
                          if (!link->open_) return;
                          if (failure) return link->lose(failure.message());
                          write(link);
                          if (!link->sending_ && link->owner_.sent) link->owner_.sent();
                      });
}

void Link::make_room() {
    if (begin_ == end_) begin_ = end_ = 0;
    if (buffer_.size() - end_ >= base::read_chunk_bytes) return;
    if (begin_ > 0) {
        std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
        end_ -= begin_;
        begin_ = 0;
    }
    // The buffer grows with what has arrived, never with what was announced.
    if (buffer_.size() - end_ < base::read_chunk_bytes)
        buffer_.resize(std::max(2 * end_, end_ + base::read_chunk_bytes));
}

void Link::read(LinkPtr const& link) {
    link->make_room();
    auto const room =
        asio::buffer(link->buffer_.data() + link->end_, link->buffer_.size() - link->end_);
    link->socket_.async_read_some(room, [link](net::error_code failure, std::size_t bytes) {
        if (!link->open_) return;
        if (failure && link->tls_ && !link->tls_->handshake_done())
            return link->lose("TLS: no answer that is TLS: " + failure.message());
        if (failure == asio::error::eof) return link->lose("connection closed by the server");
        if (failure) return link->lose(failure.message());
        link->received(bytes);
        if (link->open_ && link->tls_ && !link->sending_) write(link);
        if (link->open_) read(link);
    });
}

void Link::received(std::size_t bytes) {
    received_at_ = Clock::now();
    if (tls_) return open_sealed(bytes);
    end_ += bytes;
    handle_frames();
}

/// Puts what the bytes behind end_ mean in their place.
void Link::open_sealed(std::size_t bytes) {
    std::string plain;
    auto const opened = tls_->open({buffer_.data() + end_, bytes}, plain);
    if (buffer_.size() - end_ < plain.size()) buffer_.resize(end_ + plain.size());
    std::copy(plain.begin(), plain.end(), buffer_.begin() + static_cast<std::ptrdiff_t>(end_));
    end_ += plain.size();
    handle_frames();
    if (!opened.ok()) return lose(opened.error().detail);
    if (opened.value() == net::TlsFilter::Opened::ended) lose("connection closed by the server");
}

void Link::handle_frames() {
    wire::FrameSplitter frames({buffer_.data() + begin_, end_ - begin_}, client_frame_bytes_max);
    while (open_) {
        auto const body = frames.next();
        if (!body.ok()) return lose(body.error().detail);
        if (!body.value()) break;
        // The owner may put another in its place, or close this link, while it is called.
        auto const frame = owner_.frame;
        if (frame) frame(*body.value());
    }
    begin_ += frames.consumed();
}

}  // namespace doozer::client
