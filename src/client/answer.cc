#include "client/answer.h"

namespace doozer::client {
namespace {

Error lacks(char const* field) {
    return Error{Errc::bad_response, std::string("the server's answer has no ") + field};
}

Revision revision_of(base::Revision rev) {
    return Revision(rev.value());
}

}  // namespace

Error refusal(base::Response const& response) {
    return Error{static_cast<Errc>(*response.err_code),
                 std::string(response.err_detail.value_or(std::string_view()))};
}

Error unknown_outcome(char const* why) {
    return Error{Errc::unknown_outcome,
                 std::string("it is not known whether the write was done: ") + why};
}

Error closed_error() {
    return Error{Errc::closed, "the client was closed"};
}

Result<File> to_file(Answer const& answer) {
    if (!answer.ok()) return answer.error();
    base::Response const& r = answer.value();
    if (!r.rev) return lacks("rev");
    return File{revision_of(*r.rev), std::string(r.value.value_or(std::string_view()))};
}

Result<Stat> to_stat(Answer const& answer) {
    if (!answer.ok()) return answer.error();
    base::Response const& r = answer.value();
    if (!r.rev) return lacks("rev");
    if (!r.len) return lacks("len");
    return Stat{revision_of(*r.rev), *r.len};
}

Result<std::string> to_name(Answer const& answer) {
    if (!answer.ok()) return answer.error();
    if (!answer.value().path) return lacks("path");
    return std::string(*answer.value().path);
}

Result<std::string> to_id(Answer const& answer) {
    if (!answer.ok()) return answer.error();
    if (!answer.value().value) return lacks("value");
    return std::string(*answer.value().value);
}

Result<Event> to_event(Answer const& answer) {
    if (!answer.ok()) return answer.error();
    base::Response const& r = answer.value();
    if (!r.rev) return lacks("rev");
    if (!r.path) return lacks("path");
    if (!r.flags) return lacks("flags");
    Event event;
    event.rev = revision_of(*r.rev);
    event.path = *r.path;
    event.value = r.value.value_or(std::string_view());
    if ((*r.flags & base::flag_set) != 0)
        event.kind = Event::Kind::set;
    else if ((*r.flags & base::flag_del) != 0)
        event.kind = Event::Kind::del;
    return event;
}

Result<Revision> to_revision(Answer const& answer) {
    if (!answer.ok()) return answer.error();
    if (!answer.value().rev) return lacks("rev");
    return revision_of(*answer.value().rev);
}

Result<Done> to_done(Answer const& answer) {
    if (!answer.ok()) return answer.error();
    return Done{};
}

}  // namespace doozer::client
