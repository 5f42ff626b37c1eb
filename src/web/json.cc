#include "web/json.h"

#include <utility>

#include <boost/json/src.hpp>

namespace doozer::web {
namespace {

std::string_view kind_name(store::EventKind kind) {
    switch (kind) {
        case store::EventKind::set:
            return "set";
        case store::EventKind::del:
            return "del";
        case store::EventKind::nop:
            return "nop";
    }
    return "";
}

constexpr Item::Names value_names{"value", "base64"};
constexpr Item::Names page_value_names{"Body", "Body64"};

/// The object as text, without the brace that closes it.
std::string opened(json::object const& object) {
    std::string text = text_of(object);
    text.pop_back();
    return text;
}

Item item_of(store::Event const& event, json::object const& fields, std::string_view lead = "") {
    std::string before(lead);
    if (event.kind != store::EventKind::set) return Item(before + text_of(fields));
    return {before + opened(fields) + ',', event.value, value_names, "}"};
}

struct Told {
    std::string_view name;
    int status;
    std::string_view detail;  ///< if the error has none of its own
};

Told told(Error const& error) {
    switch (error.code) {
        case Errc::tag_in_use:
            return {"TAG_IN_USE", 500, "tag in use"};
        case Errc::unknown_verb:
            return {"UNKNOWN_VERB", 500, "unknown verb"};
        case Errc::readonly:
            return {"READONLY", 503, "this server accepts no writes now"};
        case Errc::too_late:
            return {"TOO_LATE", 410, "the history does not reach back to that revision"};
        case Errc::rev_mismatch:
            return {"REV_MISMATCH", 412, "the file has a newer revision"};
        case Errc::bad_path:
            return {"BAD_PATH", 400, "not a path: it is made of / and A-Z a-z 0-9 . -"};
        case Errc::missing_arg:
            return {"MISSING_ARG", 400, "an argument is missing"};
        case Errc::range:
            return {"RANGE", 400, "out of range"};
        case Errc::notdir:
            return {"NOTDIR", 409, "not a directory"};
        case Errc::isdir:
            return {"ISDIR", 409, "is a directory"};
        case Errc::noent:
            return {"NOENT", 404, "no such file or directory"};
        case Errc::other:
            break;
    }
    if (error.detail == "permission denied") return {"OTHER", 401, ""};
    if (error.detail == "store full") return {"OTHER", 507, ""};
    if (error.detail.starts_with("value too large")) return {"OTHER", 413, ""};
    return {"OTHER", 400, ""};
}

}  // namespace

Item file_item(std::string_view path, Revision rev, Bytes value, std::string_view lead) {
    std::string before(lead);
    before += opened({{"path", path}, {"rev", rev.value()}});
    return {before + ',', std::move(value), value_names, "}"};
}

Item event_item(store::Event const& event) {
    return item_of(
        event, {{"path", event.path}, {"rev", event.rev.value()}, {"kind", kind_name(event.kind)}});
}

Item change_item(store::Event const& event, std::string_view lead) {
    return item_of(event, {{"rev", event.rev.value()}, {"kind", kind_name(event.kind)}}, lead);
}

Item page_item(std::string_view relative_path, Revision rev, Revision seqn, Bytes value,
               std::size_t body_bytes_max) {
    std::string before =
        opened({{"Path", relative_path}, {"Rev", rev.value()}, {"Seqn", seqn.value()}});
    std::size_t const size = value.size();
    bool const is_cut = size > body_bytes_max;
    return {before + ',', std::move(value), page_value_names,
            is_cut ? ",\"Len\":" + std::to_string(size) + "}" : "}", body_bytes_max};
}

std::string text_of(json::object const& object) {
    return json::serialize(object);
}

HttpResponse json_response(int status, json::object const& object) {
    HttpResponse response;
    response.status = status;
    response.body = text_of(object);
    response.body += '\n';
    return response;
}

int status_of(Error const& error) {
    return told(error).status;
}

HttpResponse error_response(Error const& error) {
    Told const what = told(error);
    return error_response(what.status, what.name,
                          error.detail.empty() ? what.detail : std::string_view(error.detail));
}

HttpResponse error_response(int status, std::string_view name, std::string_view detail) {
    HttpResponse response = json_response(status, {{"error", name}, {"detail", detail}});
    if (status == 401) {
        response.headers.emplace_back("WWW-Authenticate",
                                      "Basic realm=\"doozer\", charset=\"UTF-8\"");
    }
    return response;
}

}  // namespace doozer::web
