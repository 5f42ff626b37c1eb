# Turns files into a C++ source that holds them.
#
#   cmake -DOUT=assets.cc -DFILES="a.js;b.css" -P embed.cmake
set(bodies)
set(rows)
set(number 0)
foreach(file IN LISTS FILES)
  get_filename_component(name ${file} NAME)
  file(READ ${file} hex HEX)
  file(SHA256 ${file} digest)
  string(SUBSTRING ${digest} 0 16 digest)
  string(REGEX REPLACE "(................................)" "\\1\n" hex "${hex}")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," hex "${hex}")
  string(APPEND bodies "constexpr unsigned char file_${number}[] = {\n${hex}0};\n")
  string(APPEND rows "    Asset{\"${name}\", text_of(file_${number}, sizeof(file_${number}) - 1), \"${digest}\"},\n")
  math(EXPR number "${number} + 1")
endforeach()
file(WRITE ${OUT} "// Made by src/web/embed.cmake.
#include \"web/assets.h\"

#include <array>
#include <cstddef>

namespace doozer::web {
namespace {

${bodies}
std::string_view text_of(unsigned char const* bytes, std::size_t size) {
    return {reinterpret_cast<char const*>(bytes), size};
}

}  // namespace

std::span<Asset const> assets() {
  static std::array const all{
${rows}  };
  return all;
}

}  // namespace doozer::web
")
