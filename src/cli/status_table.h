// A status, as the server tells it, in a form that people read.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace doozer::cli {

/// A few lines and a table, 80 columns wide unless addresses are long. `document`: JSON as in
/// docs/protocol.md, Status. Nothing if it is something else.
std::optional<std::string> status_table(std::string_view document);

/// What FORCE needs to know.
struct StatusOfProcess {
    std::string cluster;
    std::string id;
    std::string address;
};
std::optional<StatusOfProcess> process_in(std::string_view document);

}  // namespace doozer::cli
