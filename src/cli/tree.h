// A list of files as a tree.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "doozer/event.h"

namespace doozer::cli {

/// A line for the directory `root` and for every file and directory below it, depth first. There is
/// no directory without a file, so the files tell of all of them.
///
/// REQUIRES: `files` are those below `root`, in depth-first order, as Client::walk() returns them.
std::string tree(std::string_view root, std::span<Event const> files);

}  // namespace doozer::cli
