#include "web/exchange.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/parse.h"
#include "web/connection.h"
#include "web/json.h"
#include "web/server.h"

namespace doozer::web {
namespace {

constexpr std::string_view unknown_host =
    "this server is not known by that name; start it with -w NAME:PORT, or give a secret";

}  // namespace

Exchange::Exchange(Call call)
    : call_(std::move(call)), session_(call_.server.open_session(*this)) {}

Exchange::~Exchange() {
    call_.server.close_session(session_);
}

Host& Exchange::host() const {
    return call_.server.host();
}

void Exchange::start(std::optional<std::string> const& secret) {
    // An empty secret is one that everybody knows, a foreign page too.
    if (call_.admission.needs_secret && secret.value_or("").empty()) {
        return respond(error_response(421, "OTHER", unknown_host));
    }
    if (!secret) return admit();
    presenting_secret_ = true;
    Request access;
    access.verb = Verb::access;
    access.value = *secret;
    ask(access);
}

/// Everything that can be refused is refused before the body is read.
void Exchange::admit() {
    replica::Grants const grants = host().web_grants(session_);
    Admission const& needed = call_.admission;
    if ((needed.reads && !grants.read) || (needed.writes && !grants.write)) {
        return refuse({Errc::other, "permission denied"});
    }
    if (!call_.request.has_body) return begin();
    call_.connection.read_body(call_.request, needed.body_bytes_max);
}

void Exchange::on_body(std::string body) {
    if (call_.admission.writes) call_.request.body = std::move(body);
    begin();
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

void Exchange::on_reply(replica::Reply const& reply) {
    DOOZER_ASSERT(missing_ > 0 && reply.tag);
    replies_.at(static_cast<std::size_t>(reply.tag->value())) = reply;
    if (--missing_ > 0) return;
    std::vector<replica::Reply> replies = std::move(replies_);
    if (!std::exchange(presenting_secret_, false)) return answered(replies);
    if (replies[0].error) return refuse(*replies[0].error);
    admit();
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
