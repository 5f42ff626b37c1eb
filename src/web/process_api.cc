#include "web/process_api.h"

#include <array>
#include <optional>
#include <string>
#include <utility>

#include "base/parse.h"
#include "doozer/version.h"
#include "web/guard.h"
#include "web/json.h"
#include "web/producer.h"
#include "web/server.h"

namespace doozer::web {
namespace {

constexpr Duration wait_time_default = seconds(60);
constexpr Duration wait_time_max = seconds(300);

Request request_of(Verb verb) {
    Request request;
    request.verb = verb;
    return request;
}

/// One request of the protocol, whose answer is an object.
class OneQuestion : public Exchange {
  public:
    OneQuestion(Call call, Verb verb) : Exchange(std::move(call)), verb_(verb) {}

  protected:
    void begin() override { ask(request_of(verb_)); }
    void answered(std::vector<replica::Reply>& replies) override {
        if (replies[0].error) return refuse(*replies[0].error);
        respond(json_response(200, object(replies[0])));
    }

    virtual json::object object(replica::Reply const& reply) = 0;

  private:
    Verb const verb_;
};

class RevExchange : public OneQuestion {
  public:
    explicit RevExchange(Call call) : OneQuestion(std::move(call), Verb::rev) {}

  protected:
    json::object object(replica::Reply const& reply) override {
        return {{"rev", reply.rev->value()}};
    }
};

class SelfExchange : public OneQuestion {
  public:
    explicit SelfExchange(Call call) : OneQuestion(std::move(call), Verb::self) {}

  protected:
    json::object object(replica::Reply const& reply) override {
        return {{"id", reply.value->view()},
                {"version", DOOZER_VERSION},
                {"webwrite", server().settings().write},
                {"write", host().web_grants(session()).write},
                {"authenticated", secret_of(request()).has_value()}};
    }
};

/// The same document that STATUS gives to clients.
class ClusterExchange : public Exchange {
  public:
    using Exchange::Exchange;

  protected:
    void begin() override { ask(request_of(Verb::status)); }
    void answered(std::vector<replica::Reply>& replies) override {
        if (replies[0].error) return refuse(*replies[0].error);
        // Shared: all who ask in one turn are given the same document.
        respond({.value = *replies[0].value});
    }
};

/// Answers when something happens, or when it has not for long enough.
class WaitExchange : public JsonAnswer {
  public:
    WaitExchange(Call call, net::asio::steady_timer timer)
        : JsonAnswer(std::move(call)), timer_(std::move(timer)) {}

  protected:
    void begin() override { wait(); }

    void answered(std::vector<replica::Reply>& replies) override {
        replica::Reply const& reply = replies[0];
        timer_.cancel();
        if (reply.error) return refuse(*reply.error);
        store::EventKind const kind = *reply.flags == flag_set   ? store::EventKind::set
                                      : *reply.flags == flag_del ? store::EventKind::del
                                                                 : store::EventKind::nop;
        store::Event const event{*reply.rev, kind, reply.path->view(), *reply.value};
        respond_item({}, event_item(event), event.value.size());
    }

  private:
    void wait() {
        auto const rev = revision();
        auto const patience = patience_given();
        if (!rev.ok()) return refuse(rev.error());
        if (!patience.ok()) return refuse(patience.error());
        std::string const* const glob = request().parameter("glob");
        Request wait = request_of(Verb::wait);
        wait.path = glob != nullptr ? std::string_view(*glob) : std::string_view("/**");
        wait.rev = rev.value().value_or(host().store().revision().next());
        server().wake_at(timer_, patience.value(), session(), [this] { respond({.status = 204}); });
        ask(wait);
    }

    [[nodiscard]] Result<Duration> patience_given() const {
        std::string const* const text = request().parameter("timeout");
        if (text == nullptr) return wait_time_default;
        auto const given = parse_seconds(*text);
        if (!given.ok()) return Error{Errc::other, "timeout: " + given.error().detail};
        if (given.value() < Duration(0) || given.value() > wait_time_max) {
            return Error{Errc::other, "timeout: must be between 0 and 300"};
        }
        return given;
    }

    net::asio::steady_timer timer_;
};

/// That it answers is all there is to say.
class HealthExchange : public Exchange {
  public:
    using Exchange::Exchange;

  protected:
    void begin() override {
        respond({.content_type = "text/plain; charset=utf-8", .body = "alive\n"});
    }
    void answered(std::vector<replica::Reply>& /*replies*/) override {}
};

class ReadinessExchange : public Exchange {
  public:
    using Exchange::Exchange;

  protected:
    void begin() override {
        bool const ready = host().can_commit();
        respond({.status = ready ? 200 : 503,
                 .content_type = "text/plain; charset=utf-8",
                 .body = ready ? "ready\n" : "accepts no writes\n"});
    }
    void answered(std::vector<replica::Reply>& /*replies*/) override {}
};

class MetricsExchange : public Exchange {
  public:
    using Exchange::Exchange;

  protected:
    void begin() override {
        respond({.content_type = "text/plain; version=0.0.4; charset=utf-8",
                 .value = server().metrics_text()});
    }
    void answered(std::vector<replica::Reply>& /*replies*/) override {}
};

}  // namespace

ExchangePtr make_rev(Call call) {
    return std::make_unique<RevExchange>(std::move(call));
}
ExchangePtr make_self(Call call) {
    return std::make_unique<SelfExchange>(std::move(call));
}
ExchangePtr make_cluster(Call call) {
    return std::make_unique<ClusterExchange>(std::move(call));
}
ExchangePtr make_wait(Call call) {
    net::asio::steady_timer timer = call.server.make_timer();
    return std::make_unique<WaitExchange>(std::move(call), std::move(timer));
}
ExchangePtr make_health(Call call) {
    return std::make_unique<HealthExchange>(std::move(call));
}
ExchangePtr make_readiness(Call call) {
    return std::make_unique<ReadinessExchange>(std::move(call));
}
ExchangePtr make_metrics(Call call) {
    return std::make_unique<MetricsExchange>(std::move(call));
}

}  // namespace doozer::web
