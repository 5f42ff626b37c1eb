#include "base/assert.h"

#include <atomic>
#include <cstdio>
#include <cstdlib>

namespace doozer::base {

namespace {
std::atomic<AssertionHook> assertion_hook{nullptr};
}

void on_assertion_failed(AssertionHook hook) noexcept {
    assertion_hook = hook;
}

void assertion_failed(char const* file, int line, char const* text) noexcept {
    std::fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, text);
    // Taken away first: an assertion that fails in the hook ends the process at once.
    if (AssertionHook const hook = assertion_hook.exchange(nullptr)) hook();
    std::abort();
}

}  // namespace doozer::base
