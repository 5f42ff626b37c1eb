#include "consensus/message.h"

#include <array>

namespace doozer::consensus {

char const* name_of_kind(std::size_t kind) {
    static constexpr std::array<char const*, std::variant_size_v<Message>> names = {
        "HELLO",    "FRAME", "PREVOTE", "PREVOTE_R", "PREPARE", "PROMISE",  "ACCEPT",
        "ACCEPTED", "NACK",  "SEALED",  "FETCH",     "DECIDED", "SNAPSHOT", "FWD",
        "RQ",       "RR",    "PING",    "PONG",      "PROPOSE"};
    return names.at(kind);
}

char const* name_of(Message const& m) {
    return name_of_kind(m.index());
}

Digest digest_of(Message const& m) {
    Hasher h;
    feed(h, m);
    return h.digest();
}

}  // namespace doozer::consensus
