// Assertions that stay on in production: a process that has lost its own invariants must stop
// before it answers anybody. For the process's own state only; bytes from outside are refused
// with an Error, never asserted.
#pragma once

namespace doozer::base {

/// Prints "file:line: assertion failed: text" and aborts.
[[noreturn]] void assertion_failed(char const* file, int line, char const* text) noexcept;

/// Called when an assertion has failed, once and before the process ends, so that what is in memory
/// can be saved. It runs within the function that failed: it may read what that was changing, and
/// must not rely on it.
using AssertionHook = void (*)() noexcept;
void on_assertion_failed(AssertionHook hook) noexcept;

}  // namespace doozer::base

#define DOOZER_ASSERT(condition)  \
    (static_cast<bool>(condition) \
         ? static_cast<void>(0)   \
         : ::doozer::base::assertion_failed(__FILE__, __LINE__, #condition))
