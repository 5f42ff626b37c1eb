#include "wire/member_codec.h"

#include "wire/archive.h"

namespace doozer::wire {

using namespace consensus;

// The kind is the index in this list: what is new goes to the end, what is gone leaves its place,
// and the version grows. Messages of version 2 are those of version 1.
static_assert(
    member_versions.newest == 2 &&
    std::is_same_v<Message, std::variant<Hello, Frame, Prevote, PrevoteReply, Prepare, Promise,
                                         Accept, Accepted, Nack, Sealed, Fetch, Decided, Snapshot,
                                         Forward, ReadQuery, ReadReply, Ping, Pong, Propose>>);

void append_message(std::string& out, Message const& message, std::uint16_t version) {
    ArchiveWriter to(out);
    if (std::holds_alternative<Hello>(message)) {
        to.all(std::uint8_t{0}, version, std::get<Hello>(message));
    } else {
        to.all(message);
    }
}

namespace {

/// How the refusal begins: with the name, if the kind is known.
std::string subject(std::string_view body) {
    auto const kind = body.empty() ? 0xFFU : static_cast<unsigned char>(body.front());
    if (kind >= std::variant_size_v<Message>) return "member message";
    return std::string("member message ") + name_of_kind(kind);
}

void read(ArchiveReader& from, std::uint16_t version, bool hello, Message& message) {
    if (!hello) return from.all(message);
    from.number();
    if (from.number() != version) throw NoArchive{"of another protocol version"};
    from.all(message.emplace<Hello>());
}

}  // namespace

Result<Message> decode_message(std::string_view body, std::uint16_t version) {
    if (body.size() > member_message_bytes_max) {
        return Error{Errc::other, "member message of " + std::to_string(body.size()) +
                                      " bytes is over the limit of " +
                                      std::to_string(member_message_bytes_max)};
    }
    ArchiveReader from(body);
    try {
        Result<Message> result = Message();
        read(from, version, !body.empty() && body.front() == 0, result.value());
        from.finish();
        return result;
    } catch (NoArchive const& no) {
        return Error{Errc::other,
                     subject(body) + ", byte " + std::to_string(from.position()) + ": " + no.why};
    }
}

}  // namespace doozer::wire
