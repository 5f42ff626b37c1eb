#include "cli/output.h"

#include <cerrno>
#include <cstring>

namespace doozer::cli {
namespace {

std::string_view name_of(Event::Kind kind) {
    switch (kind) {
        case Event::Kind::set:
            return "set";
        case Event::Kind::del:
            return "del";
        case Event::Kind::nop:
            break;
    }
    return "";
}

}  // namespace

Outcome print(std::FILE* out, std::string_view text) {
    if (std::fwrite(text.data(), 1, text.size(), out) == text.size() && std::fflush(out) == 0)
        return {};
    return failure(std::string("write standard output: ") + std::strerror(errno));
}

Outcome print_line(std::FILE* out, Revision rev) {
    return print(out, std::to_string(rev.value()) + "\n");
}

std::string record(Event const& event) {
    std::string text = event.path;
    text += ' ';
    text += std::to_string(event.rev.value());
    text += ' ';
    text += name_of(event.kind);
    text += ' ';
    text += std::to_string(event.value.size());
    text += '\n';
    text += event.value;
    text += '\n';
    return text;
}

}  // namespace doozer::cli
