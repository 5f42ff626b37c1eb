#include "client/attempt.h"

#include <optional>
#include <utility>

#include "base/status_part.h"
#include "client/answer.h"
#include "wire/client_codec.h"

namespace doozer::client {

std::shared_ptr<Attempt> Attempt::start(Context const& io, net::Address address,
                                        Credentials credentials, Clock::time_point deadline,
                                        Done done) {
    auto const self = std::make_shared<Attempt>(*io);
    self->address_ = std::move(address);
    self->credentials_ = std::move(credentials);
    self->done_ = std::move(done);
    self->timer_.expires_at(deadline);
    self->timer_.async_wait([self](net::error_code cancelled) {
        if (!cancelled) self->fail("timed out");
    });
    resolve(io, self->address_, [self](Resolved resolved) { connect(self, std::move(resolved)); });
    return self;
}

void Attempt::connect(Self const& self, Resolved resolved) {
    if (!self->done_) return;
    if (resolved.endpoints.empty()) return self->fail(resolved.failure);
    Link::connect(self->link_, std::move(resolved.endpoints), [self](net::error_code failure) {
        if (!self->done_) return;
        if (failure) return self->fail(failure.message());
        shake_hands(self);
    });
}

/// ACCESS for every secret, REV, and STATUS for what tells stores apart, tagged 1, 2, ... in one
/// send.
void Attempt::shake_hands(Self const& self) {
    Link::Owner owner;
    owner.frame = [self](std::string_view body) { self->frame(body); };
    owner.lost = [self](std::string const& reason) { self->fail(reason); };
    if (self->credentials_.tls) self->link_->secure(*self->credentials_.tls, self->address_.host);
    Link::start(self->link_, std::move(owner));
    std::string bytes;
    base::Request request;
    std::int32_t tag = 0;
    for (std::string const& secret : self->credentials_.secrets) {
        request.tag = base::Tag(++tag);
        request.verb = Verb::access;
        request.value = secret;
        wire::append_request(bytes, request);
    }
    request.tag = base::Tag(++tag);
    request.verb = Verb::rev;
    request.value.reset();
    wire::append_request(bytes, request);
    request.tag = base::Tag(++tag);
    request.verb = Verb::status;
    request.path = base::status_lineage;
    wire::append_request(bytes, request);
    Link::send(self->link_, bytes);
}

void Attempt::frame(std::string_view body) {
    if (!done_) return;
    auto const decoded = wire::decode_response(body);
    if (!decoded.ok()) return fail(decoded.error().detail);
    base::Response const& response = decoded.value();
    auto const secrets = static_cast<std::int32_t>(credentials_.secrets.size());
    std::int32_t const tag = response.tag ? response.tag->value() : 0;
    if (tag == secrets + 2) {
        // A server that is older, or gives nobody the right to ask, does not tell.
        store_ = response.err_code ? StoreIdentity{} : parse_store(response.value.value_or(""));
    } else if (response.err_code) {
        return finish(refusal(response));
    } else if (response.rev) {
        rev_ = response.rev;
    } else {
        ++granted_;
    }
    if (!rev_ || !store_ || granted_ < credentials_.secrets.size()) return;
    finish(Reached{link_, address_, *rev_, *std::move(store_)});
}

void Attempt::fail(std::string const& reason) {
    finish(Error{Errc::connect_failed, "connect " + net::to_string(address_) + ": " + reason});
}

void Attempt::finish(Result<Reached> outcome) {
    if (!done_) return;
    auto const done = std::exchange(done_, nullptr);
    timer_.cancel();
    link_->set_owner({});  // the owner so far holds this attempt
    if (!outcome.ok()) link_->close();
    done(std::move(outcome));
}

void Attempt::cancel() {
    done_ = nullptr;
    timer_.cancel();
    link_->close();
}

}  // namespace doozer::client
