#include "client/lookup.h"

#include <utility>

#include "base/limits.h"
#include "client/answer.h"
#include "wire/client_codec.h"

namespace doozer::client {

std::shared_ptr<Lookup> Lookup::start(Context const& io, Uri const& boot, std::size_t first,
                                      std::string name, Credentials credentials,
                                      Clock::time_point deadline, Done done) {
    auto const self = std::make_shared<Lookup>(io);
    self->boot_ = boot;
    self->next_ = first;
    self->name_ = std::move(name);
    self->credentials_ = std::move(credentials);
    self->deadline_ = deadline;
    self->done_ = std::move(done);
    self->timer_.expires_at(deadline);
    self->timer_.async_wait([self](net::error_code cancelled) {
        if (!cancelled) self->fail("timed out");
    });
    try_next(self);
    return self;
}

void Lookup::try_next(Self const& self) {
    Context const io = self->io_.lock();
    if (!io) return;
    auto const& addresses = self->boot_.addresses;
    auto const left = addresses.size() - self->tried_;
    auto const share = (self->deadline_ - Clock::now()) / static_cast<int>(left);
    // A Uri's addresses were read by parse_uri, or are refused by connect().
    auto const address =
        net::parse_address(addresses[self->next_ % addresses.size()], default_port);
    ++self->next_;
    ++self->tried_;
    self->attempt_ =
        Attempt::start(io, address.value(), self->credentials_, Clock::now() + share,
                       [self](Result<Reached> outcome) { reached(self, std::move(outcome)); });
}

void Lookup::reached(Self const& self, Result<Reached> outcome) {
    self->attempt_ = nullptr;
    if (!self->done_) return;
    if (!outcome.ok()) {
        if (self->tried_ < self->boot_.addresses.size()) return try_next(self);
        return self->fail(outcome.error().message());
    }
    self->link_ = outcome->link;
    self->rev_ = outcome->rev;
    Link::Owner owner;
    owner.frame = [self](std::string_view body) { self->frame(body); };
    owner.lost = [self](std::string const& reason) { self->fail(reason); };
    self->link_->set_owner(std::move(owner));
    self->ask();
}

void Lookup::ask() {
    std::string const glob = "/ctl/ns/" + name_ + "/*";
    base::Request request;
    request.tag = base::Tag(1);
    request.verb = Verb::walk;
    request.path = glob;
    request.offset = offset_++;
    request.rev = rev_;
    std::string bytes;
    wire::append_request(bytes, request);
    Link::send(link_, bytes);
}

void Lookup::frame(std::string_view body) {
    auto const decoded = wire::decode_response(body);
    if (!decoded.ok()) return fail(decoded.error().detail);
    base::Response const& response = decoded.value();
    if (response.err_code == base::Errc::range) {
        if (found_.empty()) return fail("it is not registered there");
        return finish(std::move(found_));
    }
    if (response.err_code) return fail(refusal(response).message());
    // Anybody may write there; what is no address is passed over.
    auto address = net::parse_address(response.value.value_or(std::string_view()), default_port);
    if (address.ok() && !address.value().host.empty()) found_.push_back(std::move(address).value());
    if (found_.size() == base::client_addresses_max) return finish(std::move(found_));
    ask();
}

void Lookup::fail(std::string const& reason) {
    finish(Error{Errc::connect_failed, "look up " + name_ + ": " + reason});
}

void Lookup::finish(Result<Addresses> outcome) {
    if (!done_) return;
    auto const done = std::exchange(done_, nullptr);
    cancel();
    done(std::move(outcome));
}

void Lookup::cancel() {
    done_ = nullptr;
    timer_.cancel();
    if (auto const attempt = std::exchange(attempt_, nullptr)) attempt->cancel();
    if (link_) link_->close();
}

}  // namespace doozer::client
