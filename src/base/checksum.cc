#include "base/checksum.h"

#include <array>
#include <cstddef>
#include <cstring>

namespace doozer::base {

namespace {

constexpr std::uint32_t polynomial = 0x82F63B78;  // reflected

constexpr std::array<std::uint32_t, 256> make_table() {
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t i = 0; i < table.size(); ++i) {
        std::uint32_t crc = i;
        for (int bit = 0; bit < 8; ++bit) crc = crc >> 1U ^ ((crc & 1U) != 0 ? polynomial : 0);
        table[i] = crc;
    }
    return table;
}
constexpr std::array<std::uint32_t, 256> table = make_table();

std::uint32_t by_table(std::uint32_t crc, std::string_view bytes) {
    for (char const c : bytes)
        crc = crc >> 8U ^ table[(crc ^ static_cast<unsigned char>(c)) & 0xFFU];
    return crc;
}

#if defined(__x86_64__)
/// The processor has an instruction for just this.
__attribute__((target("sse4.2"))) std::uint32_t by_instruction(std::uint32_t crc,
                                                               std::string_view bytes) {
    std::uint64_t wide = crc;
    for (; bytes.size() >= sizeof wide; bytes.remove_prefix(sizeof wide)) {
        std::uint64_t word = 0;
        std::memcpy(&word, bytes.data(), sizeof word);
        wide = __builtin_ia32_crc32di(wide, word);
    }
    crc = static_cast<std::uint32_t>(wide);
    for (char const c : bytes) crc = __builtin_ia32_crc32qi(crc, static_cast<unsigned char>(c));
    return crc;
}
bool const has_instruction = __builtin_cpu_supports("sse4.2") != 0;
#endif

}  // namespace

std::uint32_t crc32c(std::uint32_t crc, std::string_view bytes) {
#if defined(__x86_64__)
    if (has_instruction) return ~by_instruction(~crc, bytes);
#endif
    return ~by_table(~crc, bytes);
}

}  // namespace doozer::base
