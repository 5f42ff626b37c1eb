#include "store/path.h"

#include <array>
#include <cstdint>

#include "base/limits.h"

namespace doozer::store {
namespace {

constexpr std::string_view alphabet =
    "-./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
static_assert(alphabet.size() + 1 == path_symbols);

constexpr std::array<std::uint8_t, 256> symbol_table = [] {
    std::array<std::uint8_t, 256> table{};
    for (std::size_t i = 0; i < alphabet.size(); ++i) {
        table[static_cast<unsigned char>(alphabet[i])] = static_cast<std::uint8_t>(i + 1);
    }
    return table;
}();

bool is_path(std::string_view text) {
    if (text.empty() || text.size() > path_bytes_max || text[0] != '/') return false;
    if (text.size() == 1) return true;
    if (text.back() == '/') return false;
    char previous = 0;
    for (char const c : text) {
        if (path_symbol(c) == 0 || (c == '/' && previous == '/')) return false;
        previous = c;
    }
    return true;
}

}  // namespace

std::size_t path_symbol(char c) {
    return symbol_table[static_cast<unsigned char>(c)];
}

Result<Path> Path::parse(std::string_view text) {
    if (!is_path(text)) return Error{Errc::bad_path};
    return Path(text);
}

Path Path::trusted(std::string_view text) {
    DOOZER_ASSERT(is_path(text));
    return Path(text);
}

bool is_path_component(std::string_view text) {
    if (text.empty()) return false;
    for (char const c : text) {
        if (c == '/' || path_symbol(c) == 0) return false;
    }
    return true;
}

}  // namespace doozer::store
