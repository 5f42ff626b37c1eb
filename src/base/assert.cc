#include "base/assert.h"

#include <cstdio>
#include <cstdlib>

namespace doozer::base {

void assertion_failed(char const* file, int line, char const* text) noexcept {
    std::fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, text);
    std::abort();
}

}  // namespace doozer::base
