// doozerd from its command line to its exit status.
#pragma once

#include "server/release.h"

namespace doozer::server {

/// 0: it was stopped by a signal; 1: it could not start or go on; 2: wrong use. What was wrong is
/// one line on standard error.
int run_program(int argc, char** argv, Release const& release);

}  // namespace doozer::server
