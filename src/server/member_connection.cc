#include "server/member_connection.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/limits.h"
#include "net/socket_options.h"
#include "server/clock.h"

namespace doozer::server {
namespace {

using wire::RecordType;

/// Messages from this size on are sent from where they are, not copied.
constexpr std::size_t shared_message_bytes_min = 4096;
/// How much is handed over to the socket at a time, and how much until others have their turn.
constexpr std::size_t window_bytes = 256 * base::KiB;
constexpr std::size_t burst_bytes = 1 * base::MiB;
/// Little waits in the kernel, so that votes pass what is large; a dead peer is noticed by TCP.
constexpr int unsent_bytes = 64 * 1024;
constexpr base::Duration unheard = base::seconds(3);

}  // namespace

MemberConnection::MemberConnection(net::asio::io_context& loop, MemberConnectionHost& host,
                                   std::shared_ptr<net::Connection> connection)
    : loop_(loop),
      host_(host),
      connection_(std::move(connection)),
      dialled_(false),
      heard_at_(monotonic_now()),
      moved_at_(heard_at_) {
    connection_->hand_over(*this);
    net::set_prompt(connection_->native_handle(), unsent_bytes, unheard);
}

MemberConnection::MemberConnection(net::asio::io_context& loop, MemberConnectionHost& host,
                                   net::tcp::socket socket, net::ReadBuffer& buffer,
                                   net::TlsClient const* client)
    : loop_(loop), host_(host), dialled_(true), heard_at_(monotonic_now()), moved_at_(heard_at_) {
    connection_ =
        client != nullptr
            ? std::make_shared<net::Connection>(std::move(socket), *this, buffer, *client, "")
            : std::make_shared<net::Connection>(std::move(socket), *this, buffer);
    net::set_prompt(connection_->native_handle(), unsent_bytes, unheard);
}

void MemberConnection::start() {
    net::asio::post(loop_, [self = shared_from_this()] {
        if (self->is_open()) self->connection_->start();
    });
}

void MemberConnection::send_greeting(wire::Greeting const& greeting) {
    DOOZER_ASSERT(is_greeting());
    connection_->output().append([&](std::string& out) {
        if (!std::exchange(said_magic_, true)) out += wire::member_magic;
        wire::append_greeting(out, greeting);
    });
    flush();
}

void MemberConnection::greet(wire::Greeting greeting, bool checksums) {
    DOOZER_ASSERT(is_greeting());
    checksums_ = checksums;
    greeting_ = std::move(greeting);
    phase_ = Phase::greeted;
    deadline = base::never;
}

void MemberConnection::refuse(wire::Refusal const& refusal) {
    DOOZER_ASSERT(is_greeting());
    connection_->output().append([&](std::string& out) {
        if (!std::exchange(said_magic_, true)) out += wire::member_magic;
        wire::append_refusal(out, refusal);
    });
    phase_ = Phase::refused;
    flush();
}

void MemberConnection::close() {
    phase_ = Phase::closed;
    connection_->close();
    waiting_.clear();
    waiting_bytes_ = sent_of_first_ = 0;
    std::vector<std::string>().swap(parts_);
    parts_bytes_ = 0;
    // The connection may call back the caller of this function.
    net::asio::post(loop_, [self = shared_from_this()] {});
}

void MemberConnection::fail(std::string const& why) {
    if (!is_open()) return;
    close();
    net::asio::post(loop_, [self = shared_from_this(), why] { self->host_.on_gone(*self, why); });
}

void MemberConnection::on_end(std::string_view refused) {
    fail(refused.empty() ? "the other side has closed the connection" : std::string(refused));
}

std::size_t MemberConnection::record_bytes_max() const {
    return is_greeted() ? base::member_part_bytes_max : base::member_greeting_bytes_max;
}

std::size_t MemberConnection::on_bytes(std::string_view bytes) {
    auto const kept = shared_from_this();
    heard_at_ = monotonic_now();
    if (phase_ == Phase::refused) return bytes.size();
    std::size_t taken = 0;
    if (!heard_magic_) {
        std::string_view const magic = bytes.substr(0, wire::member_magic.size());
        if (!wire::member_magic.starts_with(magic)) {
            fail("the other side is no member: it does not greet as one");
            return bytes.size();
        }
        if (magic.size() < wire::member_magic.size()) return 0;
        heard_magic_ = true;
        taken = magic.size();
    }
    while (phase_ == Phase::greeting || phase_ == Phase::greeted) {
        wire::RecordSplitter records(bytes.substr(taken), record_bytes_max(),
                                     is_greeted() && checksums_);
        auto const record = records.next();
        if (!record.ok()) {
            fail(record.error().detail);
            break;
        }
        if (!record.value()) return taken;
        taken += records.consumed();
        is_greeted() ? handle(*record.value()) : handle_greeting(*record.value());
    }
    return bytes.size();
}

void MemberConnection::handle_greeting(wire::RecordSplitter::Record const& record) {
    if (record.type == static_cast<std::uint8_t>(RecordType::greeting)) {
        auto const greeting = wire::decode_greeting(record.body);
        if (!greeting.ok()) return fail(greeting.error().detail);
        host_.on_greeting(*this, greeting.value());
        DOOZER_ASSERT(!is_greeting());
    } else if (record.type == static_cast<std::uint8_t>(RecordType::refusal) && dialled_) {
        auto const refusal = wire::decode_refusal(record.body);
        if (!refusal.ok()) return fail(refusal.error().detail);
        host_.on_refusal(*this, refusal.value());
    } else {
        fail("a record before the greeting");
    }
}

void MemberConnection::handle(wire::RecordSplitter::Record const& record) {
    switch (static_cast<RecordType>(record.type)) {
        case RecordType::message:
            return deliver(record.body);
        case RecordType::part:
            if (!host_.admits(*this, record.body.size())) {
                return fail("a message of more bytes than its members could have sent");
            }
            return keep(record.body);
        case RecordType::bulk_wanted:
            return host_.on_bulk_wanted(*this);
        case RecordType::greeting:
        case RecordType::refusal:
            return fail("a second greeting");
    }
    // A later version may know more; it does not count on it.
}

/// Small parts share their memory: otherwise each would cost more than it is counted for.
void MemberConnection::keep(std::string_view part) {
    bool const fits =
        !parts_.empty() && parts_.back().size() + part.size() <= base::member_part_bytes_max;
    fits ? void(parts_.back() += part) : void(parts_.emplace_back(part));
    parts_bytes_ += part.size();
}

void MemberConnection::deliver(std::string_view body) {
    if (parts_.empty()) return host_.on_message(*this, body);
    std::string whole;
    whole.reserve(std::exchange(parts_bytes_, 0) + body.size());
    for (std::string& part : std::exchange(parts_, {})) {
        whole += part;
        std::string().swap(part);  // so that a large message is not there twice
    }
    whole += body;
    host_.on_message(*this, whole);
}

void MemberConnection::send(base::Bytes message) {
    DOOZER_ASSERT(is_open());
    DOOZER_ASSERT(message.size() <= base::member_message_bytes_max);
    waiting_bytes_ += message.size();
    waiting_.push_back(std::move(message));
}

void MemberConnection::ask_for_bulk() {
    put_record(RecordType::bulk_wanted, {});
}

void MemberConnection::put_record(RecordType type, std::string_view body) {
    connection_->output().append([&](std::string& out) {
        std::size_t const checksum = checksums_ ? wire::record_checksum_bytes : 0;
        wire::append_record_header(out, type, body.size() + checksum);
        out += body;
        if (checksums_) wire::append_record_checksum(out, type, body);
    });
}

/// The same for a message that goes in one record and is not copied.
void MemberConnection::put_shared(base::Bytes const& message) {
    net::OutputQueue& output = connection_->output();
    std::size_t const checksum = checksums_ ? wire::record_checksum_bytes : 0;
    output.append([&](std::string& out) {
        wire::append_record_header(out, RecordType::message, message.size() + checksum);
    });
    output.append(message);
    if (!checksums_) return;
    output.append([&](std::string& out) {
        wire::append_record_checksum(out, RecordType::message, message.view());
    });
}

bool MemberConnection::is_stuck(base::Instant now, base::Duration patience) {
    std::uint64_t const written = connection_->bytes_written();
    bool const idle = waiting_.empty() && connection_->all_sent();
    // If nobody looked for so long it was this process that stood still.
    bool const stood_still = now - std::exchange(looked_at_, now) >= patience;
    bool const moved = written != std::exchange(written_before_, written);
    if (idle || moved || stood_still) moved_at_ = now;
    return now - moved_at_ >= patience;
}

/// Moves messages to the connection, not more than it is likely to send soon. False: nothing waits
/// any more.
bool MemberConnection::fill() {
    net::OutputQueue& output = connection_->output();
    while (!waiting_.empty() && output.size() < window_bytes) {
        base::Bytes const& message = waiting_.front();
        std::size_t const left = message.size() - sent_of_first_;
        std::size_t const size = std::min(left, base::member_part_bytes_max);
        RecordType const type = size == left ? RecordType::message : RecordType::part;
        bool const shared = size == message.size() && size >= shared_message_bytes_min;
        shared ? put_shared(message)
               : put_record(type, message.view().substr(sent_of_first_, size));
        sent_of_first_ += size;
        if (size < left) continue;
        waiting_bytes_ -= message.size();
        sent_of_first_ = 0;
        waiting_.pop_front();
    }
    return !waiting_.empty();
}

void MemberConnection::flush() {
    auto const kept = shared_from_this();
    for (std::size_t burst = 0; is_open() && burst < burst_bytes; burst += window_bytes) {
        bool const more = is_greeted() && fill();
        connection_->flush();
        if (!more || !connection_->output().empty()) return;
    }
    net::asio::post(loop_, [kept] {
        if (kept->is_open()) kept->flush();
    });
}

}  // namespace doozer::server
