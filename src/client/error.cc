#include "doozer/error.h"

#include "doozer/version.h"

namespace doozer {

char const* version() noexcept {
    return DOOZER_VERSION;
}

std::string_view name_of(Errc code) noexcept {
    switch (code) {
        case Errc::tag_in_use:
            return "TAG_IN_USE";
        case Errc::unknown_verb:
            return "UNKNOWN_VERB";
        case Errc::readonly:
            return "READONLY";
        case Errc::too_late:
            return "TOO_LATE";
        case Errc::rev_mismatch:
            return "REV_MISMATCH";
        case Errc::bad_path:
            return "BAD_PATH";
        case Errc::missing_arg:
            return "MISSING_ARG";
        case Errc::range:
            return "RANGE";
        case Errc::notdir:
            return "NOTDIR";
        case Errc::isdir:
            return "ISDIR";
        case Errc::noent:
            return "NOENT";
        case Errc::other:
            return "OTHER";
        case Errc::invalid_uri:
            return "INVALID_URI";
        case Errc::connect_failed:
            return "CONNECT_FAILED";
        case Errc::timeout:
            return "TIMEOUT";
        case Errc::unknown_outcome:
            return "UNKNOWN_OUTCOME";
        case Errc::closed:
            return "CLOSED";
        case Errc::would_deadlock:
            return "WOULD_DEADLOCK";
        case Errc::limit_exceeded:
            return "LIMIT_EXCEEDED";
        case Errc::bad_response:
            return "BAD_RESPONSE";
        case Errc::not_durable:
            return "NOT_DURABLE";
        case Errc::behind:
            return "BEHIND";
        case Errc::other_store:
            return "OTHER_STORE";
    }
    return "ERROR";
}

WriteOutcome Error::write_outcome() const noexcept {
    switch (code) {
        case Errc::unknown_outcome:
            return WriteOutcome::unknown;
        case Errc::not_durable:
        case Errc::bad_response:  // it was answered, and not refused
            return WriteOutcome::done;
        default:
            return WriteOutcome::not_done;
    }
}

std::string Error::message() const {
    bool const from_server = static_cast<int>(code) < static_cast<int>(Errc::invalid_uri);
    if (!from_server && !detail.empty()) return detail;
    std::string text(name_of(code));
    if (text == "ERROR") text += " " + std::to_string(static_cast<int>(code));
    if (!detail.empty()) text += ": " + detail;
    return text;
}

}  // namespace doozer
