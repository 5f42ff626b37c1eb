#include "cli/output.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/visible.h"

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

/// The first line of a record.
std::string head_of(Event const& event, std::string_view path) {
    std::string text(path);
    text += ' ';
    text += std::to_string(event.rev.value());
    text += ' ';
    text += name_of(event.kind);
    text += ' ';
    text += std::to_string(event.value.size());
    text += '\n';
    return text;
}

bool is_terminal(std::FILE* out) {
    return isatty(fileno(out)) != 0;
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

Outcome print_foreign(std::FILE* out, std::string_view text) {
    return print(out, is_terminal(out) ? base::visible_text(text) : std::string(text));
}

Outcome print_record(std::FILE* out, Event const& event) {
    if (!is_terminal(out)) return print(out, record(event));
    std::string const head = head_of(event, base::visible_line(event.path));
    return print(out, head + base::visible_text(event.value) + "\n");
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
    return head_of(event, event.path) + event.value + "\n";
}

}  // namespace doozer::cli
