// Numbers as bytes, lowest first: how batches and snapshots hold them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace doozer::base {

inline void put_number(char* to, std::uint64_t value, std::size_t bytes) {
    for (std::size_t i = 0; i < bytes; ++i) to[i] = static_cast<char>(value >> (8 * i));
}

inline std::uint64_t get_number(char const* from, std::size_t bytes) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < bytes; ++i) {
        value |= std::uint64_t{static_cast<unsigned char>(from[i])} << (8 * i);
    }
    return value;
}

inline void append_number(std::string& out, std::uint64_t value, std::size_t bytes) {
    out.resize(out.size() + bytes);
    put_number(&out[out.size() - bytes], value, bytes);
}

/// Takes a number of so many bytes off `in`; none, and nothing taken, if there are fewer.
inline std::optional<std::uint64_t> take_number(std::string_view& in, std::size_t bytes) {
    if (in.size() < bytes) return std::nullopt;
    std::uint64_t const value = get_number(in.data(), bytes);
    in.remove_prefix(bytes);
    return value;
}

/// Takes `size` bytes off `in`; none, and nothing taken, if there are fewer.
inline std::optional<std::string_view> take_text(std::string_view& in, std::uint64_t size) {
    if (in.size() < size) return std::nullopt;
    std::string_view const text = in.substr(0, size);
    in.remove_prefix(size);
    return text;
}

}  // namespace doozer::base
