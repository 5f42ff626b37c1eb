// Text of others in a form that moves no terminal's cursor.
#pragma once

#include <string>
#include <string_view>

namespace doozer::base {

/// The text with every control character as "\x1b", and likewise every byte that is no UTF-8, which
/// an old terminal may take for one. For names and messages: the result is one line.
std::string visible_line(std::string_view text);

/// The same, but ends of lines and tabs stay. For values.
std::string visible_text(std::string_view text);

}  // namespace doozer::base
