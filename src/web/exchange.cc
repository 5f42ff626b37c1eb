#include "web/exchange.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/parse.h"
#include "web/connection.h"
#include "web/json.h"
#include "web/server.h"

namespace doozer::web {

Exchange::Exchange(Call call)
    : call_(std::move(call)), session_(call_.server.open_session(*this)) {}

Exchange::~Exchange() {
    call_.server.close_session(session_);
}

Host& Exchange::host() const {
    return call_.server.host();
}

void Exchange::start(std::optional<std::string> const& secret) {
    if (!secret) return begin();
    presenting_secret_ = true;
    Request access;
    access.verb = Verb::access;
    access.value = *secret;
    ask(access);
}

void Exchange::ask(std::span<Request> requests) {
    DOOZER_ASSERT(missing_ == 0 && !requests.empty());
    replies_.assign(requests.size(), {});
    missing_ = requests.size();
    std::int32_t tag = 0;
    for (Request& request : requests) {
        request.tag = Tag(tag++);
        host().web_request(session_, request);
    }
}

void Exchange::ask_whether_readable() {
    Request stat;
    stat.verb = Verb::stat;
    stat.path = "/";
    ask(stat);
}

void Exchange::on_reply(replica::Reply const& reply) {
    DOOZER_ASSERT(missing_ > 0 && reply.tag);
    replies_.at(static_cast<std::size_t>(reply.tag->value())) = reply;
    if (--missing_ > 0) return;
    std::vector<replica::Reply> replies = std::move(replies_);
    if (!std::exchange(presenting_secret_, false)) return answered(replies);
    if (replies[0].error) return refuse(*replies[0].error);
    begin();
}

void Exchange::on_lost() {
    call_.connection.respond(error_response(
        503, "OTHER", "this process was cut off: it may have been applied, and it may not"));
}

void Exchange::respond(HttpResponse response) {
    call_.connection.respond(std::move(response));
}

void Exchange::refuse(Error const& error) {
    respond(error_response(error));
}

Result<std::optional<std::int64_t>> Exchange::number(std::string_view parameter) const {
    std::string const* const text = call_.request.parameter(parameter);
    if (text == nullptr) return std::optional<std::int64_t>();
    auto const value = parse_integer(*text);
    if (!value.ok()) {
        return Error{Errc::other, std::string(parameter) + ": " + value.error().detail};
    }
    return std::optional(value.value());
}

Result<std::optional<Revision>> Exchange::revision() const {
    DOOZER_TRY(auto const rev, number("rev"));
    return rev ? std::optional(Revision(*rev)) : std::nullopt;
}

Result<std::size_t> Exchange::limit() const {
    DOOZER_TRY(auto const given, number("limit"));
    auto const most = static_cast<std::int64_t>(web_entries_max);
    if (given && (*given < 1 || *given > most)) {
        return Error{Errc::other, "limit: must be between 1 and " + std::to_string(most)};
    }
    return static_cast<std::size_t>(given.value_or(static_cast<std::int64_t>(web_entries_default)));
}

}  // namespace doozer::web
