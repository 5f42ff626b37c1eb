// The version of this library.
#pragma once

#define DOOZER_VERSION_MAJOR 1
#define DOOZER_VERSION_MINOR 1
#define DOOZER_VERSION_PATCH 0
#define DOOZER_VERSION "1.1.0"

namespace doozer {

/// The version of the library that was linked, as "major.minor.patch"; DOOZER_VERSION is the
/// version of the headers that were compiled.
char const* version() noexcept;

}  // namespace doozer
