#include "server/entropy.h"

#include <sys/random.h>

#include <array>
#include <cstdint>
#include <string_view>

#include "base/assert.h"

namespace doozer::server {
namespace {

template <typename T>
T from_kernel() {
    T value;
    auto const got = ::getrandom(&value, sizeof(value), 0);
    DOOZER_ASSERT(got == static_cast<ssize_t>(sizeof(value)));
    return value;
}

}  // namespace

std::uint64_t random_number() {
    return from_kernel<std::uint64_t>();
}

base::ProcessId new_process_id() {
    auto const bytes = from_kernel<std::array<std::uint8_t, base::process_id_bytes>>();
    constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    base::ProcessId id;
    std::uint32_t bits = 0;
    std::uint32_t count = 0;
    for (std::uint8_t const byte : bytes) {
        bits = bits << 8U | byte;
        for (count += 8; count >= 5; count -= 5) id += alphabet[bits >> (count - 5) & 31U];
    }
    DOOZER_ASSERT(id.size() == base::process_id_chars);
    return id;
}

}  // namespace doozer::server
