// The files of src/web/assets, as the build put them into the binary.
#pragma once

#include <span>
#include <string_view>

namespace doozer::web {

struct Asset {
    std::string_view name;
    std::string_view content;
    std::string_view digest;  ///< of the content, in hexadecimal digits
};

/// Made by src/web/embed.cmake.
std::span<Asset const> assets();

}  // namespace doozer::web
