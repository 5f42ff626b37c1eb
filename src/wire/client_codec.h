// The client protocol's messages as bytes: protocol buffers (client.proto), framed (frame.h).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/client_message.h"
#include "base/result.h"

namespace doozer::wire {

// One by one, since the client library has an Error and a Result of its own in doozer.
using base::Errc;
using base::Error;
using base::EventView;
using base::Request;
using base::Response;
using base::Result;
using base::Revision;
using base::Tag;
using base::Verb;

/// Reads the body of a frame. The strings of the result point into `body`.
///
/// As every reader of protocol buffers does: fields that are not known, or known but of another
/// wire type, are skipped; of a field sent twice the last counts; an int32 is the low 32 bits of
/// what was sent; an empty body is a message in which nothing is set. Error (other): bytes that
/// are no protocol buffer, groups among them. Source: protocol.md, Malformed input.
Result<Request> decode_request(std::string_view body);
Result<Response> decode_response(std::string_view body);

/// Appends one frame, length included, with the fields in the order of their numbers.
void append_request(std::string& out, Request const& request);
void append_response(std::string& out, Response const& response);

/// Appends the frame of a response that carries a value, up to where the value's bytes begin:
/// `value_bytes` bytes that the caller sends next, from where they are, complete the frame.
/// `response.value` is not looked at. REQUIRES: len, err_code, err_detail and events are not set.
void append_response_head(std::string& out, Response const& response, std::size_t value_bytes);

/// The same for a response with events: the caller sends `events_bytes` bytes next, which
/// append_event_head() and the events' values make up. `response.events` is not looked at.
/// REQUIRES: value is not set.
void append_events_head(std::string& out, Response const& response, std::size_t events_bytes);

/// Appends what precedes the bytes of the event's value, which complete it.
/// REQUIRES: event.value is set.
void append_event_head(std::string& out, EventView const& event);
/// How many bytes both take.
std::size_t event_bytes(EventView const& event);

}  // namespace doozer::wire
