// Descriptors 0, 1 and 2 are never a journal.
#pragma once

namespace doozer::journal {

/// Where standard input, output or error is closed, the next file that is opened would become it,
/// and be written to. What takes the place instead fails: it is open for the opposite direction.
void occupy_standard_streams();

}  // namespace doozer::journal
