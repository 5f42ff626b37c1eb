// What the web view says, as JSON. Names of the interface's fields are in here and nowhere else.
#pragma once

#include <string>
#include <string_view>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "base/error.h"
#include "base/ids.h"
#include "store/event.h"
#include "web/http.h"

namespace doozer::web {

namespace json = boost::json;

/// "value", or "base64" if it is not UTF-8, so that every value survives.
void put_value(json::object& object, std::string_view value);

/// Of a file: path, rev, value.
json::object file_object(std::string_view path, Revision rev, std::string_view value);

/// Of a change: path, rev, kind ("set", "del" or "nop"), and for a set the value.
json::object event_object(std::string_view path, Revision rev, store::EventKind kind,
                          std::string_view value);

/// The message of the page for one file. Source: web.md. `rev` is `missing` for a deletion. Of a
/// value larger than `body_bytes_max` only the beginning is sent, and its size as `Len`.
std::string page_message(std::string_view relative_path, Revision rev, Revision seqn,
                         std::string_view value, std::size_t body_bytes_max);

std::string text_of(json::object const& object);

HttpResponse json_response(int status, json::object const& object);

/// The status that says an error in HTTP.
int status_of(Error const& error);

/// {"error": NAME, "detail": ...} with the status that belongs to it.
HttpResponse error_response(Error const& error);
HttpResponse error_response(int status, std::string_view name, std::string_view detail);

}  // namespace doozer::web
