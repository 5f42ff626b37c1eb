// From the server's answers to the values of the public interface.
#pragma once

#include <string>

#include "client/call.h"
#include "doozer/error.h"
#include "doozer/event.h"

namespace doozer::client {

/// The error that a response carries. REQUIRES: it has an err_code.
Error refusal(base::Response const& response);

/// What becomes of a write whose answer does not come.
Error unknown_outcome(char const* why);

/// What becomes of everything that is not done when a Client is destroyed.
Error closed_error();

// Each is the answer's error, or bad_response if a field is missing that the verb's answer always
// has. Source: protocol.md, Verbs.
Result<File> to_file(Answer const& answer);
Result<Stat> to_stat(Answer const& answer);
Result<std::string> to_name(Answer const& answer);  ///< of GETDIR
Result<std::string> to_id(Answer const& answer);    ///< of SELF and STATUS
Result<Event> to_event(Answer const& answer);
Result<Revision> to_revision(Answer const& answer);
Result<Done> to_done(Answer const& answer);

}  // namespace doozer::client
