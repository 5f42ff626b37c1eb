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
#include "web/piecewise.h"

namespace doozer::web {

namespace json = boost::json;

/// A file: path, rev, and the value as "value", or as "base64" if it is not UTF-8, so that every
/// value survives. `lead` comes before it.
Item file_item(std::string_view path, Revision rev, Bytes value, std::string_view lead = "");

/// A change: path, rev, kind ("set", "del" or "nop"), and for a set the value.
Item event_item(store::Event const& event);

/// A change of a file whose path is known: the same without the path.
Item change_item(store::Event const& event, std::string_view lead = "");

/// The message of the page for one file. Source: web.md. `rev` is `missing` for a deletion. Of a
/// value larger than `body_bytes_max` only the beginning is sent, and its size as `Len`.
Item page_item(std::string_view relative_path, Revision rev, Revision seqn, Bytes value,
               std::size_t body_bytes_max);

std::string text_of(json::object const& object);

HttpResponse json_response(int status, json::object const& object);

/// The status that says an error in HTTP.
int status_of(Error const& error);

/// {"error": NAME, "detail": ...} with the status that belongs to it.
HttpResponse error_response(Error const& error);
HttpResponse error_response(int status, std::string_view name, std::string_view detail);

}  // namespace doozer::web
