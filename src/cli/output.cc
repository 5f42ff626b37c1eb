#include "cli/output.h"

#include <poll.h>

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

Outcome write_failure(int error) {
    return failure(std::string("write standard output: ") + std::strerror(error));
}

}  // namespace

Outcome print(std::FILE* out, std::string_view text) {
    if (std::fwrite(text.data(), 1, text.size(), out) == text.size() && std::fflush(out) == 0)
        return {};
    return write_failure(errno);
}

Outcome check_reader(std::FILE* out) {
    pollfd state{fileno(out), 0, 0};
    // Errors are told without being asked for.
    if (poll(&state, 1, 0) == 1 && (state.revents & POLLERR) != 0) return write_failure(EPIPE);
    return {};
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
