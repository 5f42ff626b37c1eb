// What a DurableClient waits for. Source: persistence.md, doozerp; docs/persistence.md, In the
// store.
#include "doozer/durable.h"

#include <charconv>
#include <memory>
#include <string>
#include <utility>

#include "base/limits.h"
#include "client/answer.h"
#include "client/core.h"

namespace doozer {
namespace {

using base::Verb;
using client::Answer;
using client::Call;
using client::Clock;
using client::Loop;

/// The revision that a mirror or the file `through` holds, or missing for anything else.
Revision revision_in(std::string_view text) {
    std::int64_t rev = 0;
    auto const read = std::from_chars(text.data(), text.data() + text.size(), rev);
    if (read.ec != std::errc() || read.ptr != text.data() + text.size()) return missing;
    return Revision(rev);
}

std::string const persistence = "/ctl/persistence/";

/// Waits until one change is on the disk of one instance.
class Durability {
  public:
    using Self = std::shared_ptr<Durability>;
    using OnEnd = std::function<void(Result<Revision>)>;

    Durability(std::shared_ptr<Loop> loop, std::int64_t instance, std::chrono::milliseconds timeout,
               std::string path, OnEnd on_end)
        : loop_(std::move(loop)),
          instance_(std::to_string(instance)),
          timeout_(timeout),
          path_(std::move(path)),
          on_end_(std::move(on_end)) {}

    /// For a set: its mirror says a revision that is as high, or the instance says that it is
    /// beyond.
    static void wait_for_set(Self const& self, Revision rev) {
        self->begin(rev);
        wait_for_mirror(self, rev);
    }

    /// For a delete: the first change of the path behind `before` is the delete.
    static void wait_for_del(Self const& self, Revision before) {
        self->begin(missing);
        find_del(self, before.next());
    }

  private:
    void begin(Revision rev) {
        rev_ = rev;
        deadline_ = Clock::now() + timeout_;
    }

    template <typename T>
    static void ask(Self const& self, Verb verb, std::string path, std::optional<Revision> rev,
                    Result<T> (*convert)(Answer const&), std::function<void(T const&)> then) {
        Call call;
        call.verb = verb;
        call.path = std::move(path);
        if (rev) call.rev = base::Revision(rev->value());
        call.deadline = self->deadline_;
        call.done = [self, convert, then = std::move(then)](Answer const& answer) {
            Result<T> const outcome = convert(answer);
            if (outcome.ok()) return then(*outcome);
            self->fail(outcome.error());
        };
        self->loop_->submit_request(std::move(call));
    }

    static void find_del(Self const& self, Revision from) {
        ask<Event>(self, Verb::wait, self->path_, from, client::to_event, [self](Event const& e) {
            if (!e.is_del()) return find_del(self, e.rev.next());
            self->rev_ = e.rev;
            look_at_through(self, e.rev);
        });
    }

    static void wait_for_mirror(Self const& self, Revision from) {
        auto const mirror = persistence + self->instance_ + self->path_;
        ask<Event>(self, Verb::wait, mirror, from, client::to_event, [self](Event const& e) {
            if (e.is_set() && revision_in(e.value) >= self->rev_) return self->succeed();
            // Another change of the same path: an earlier one, or a delete that came so soon that
            // the set was not acknowledged by itself.
            if (e.is_del()) return look_at_through(self, e.rev);
            wait_for_mirror(self, e.rev.next());
        });
    }

    /// How far the instance is as a whole, if it says so. The original does not: then a mirror that
    /// is deleted is the acknowledgement of a delete.
    static void look_at_through(Self const& self, Revision seen) {
        ask<File>(self, Verb::get, self->through(), std::nullopt, client::to_file,
                  [self, seen](File const& file) {
                      if (file.exists()) return check_through(self, file.value, file.rev);
                      if (seen == self->rev_) return wait_for_mirror_del(self, seen);
                      wait_for_mirror(self, seen.next());
                  });
    }

    static void check_through(Self const& self, std::string_view value, Revision at) {
        if (revision_in(value) >= self->rev_) return self->succeed();
        ask<Event>(self, Verb::wait, self->through(), at.next(), client::to_event,
                   [self](Event const& e) { check_through(self, e.value, e.rev); });
    }

    static void wait_for_mirror_del(Self const& self, Revision from) {
        auto const mirror = persistence + self->instance_ + self->path_;
        ask<Event>(self, Verb::wait, mirror, from, client::to_event, [self](Event const& e) {
            if (e.is_del()) return self->succeed();
            wait_for_mirror_del(self, e.rev.next());
        });
    }

    [[nodiscard]] std::string through() const { return persistence + "through/" + instance_; }

    void succeed() { std::exchange(on_end_, nullptr)(rev_); }

    void fail(Error const& error) {
        std::string detail = (rev_ == missing ? std::string("the change")
                                              : "revision " + std::to_string(rev_.value()));
        detail += " is made, but doozerp instance " + instance_ + " has not acknowledged it";
        if (error.code == Errc::timeout)
            detail += " within " + std::to_string(timeout_.count()) + " ms";
        else
            detail += ": " + error.message();
        std::exchange(on_end_, nullptr)(Error{Errc::not_durable, std::move(detail)});
    }

    std::shared_ptr<Loop> const loop_;
    std::string const instance_;
    std::chrono::milliseconds const timeout_;
    std::string const path_;
    OnEnd on_end_;
    Revision rev_ = missing;  // of the change, once it is known
    Clock::time_point deadline_;
};

/// A delete whose revision is to be found out afterwards, since the answer does not say it: it is
/// made on the very revision of the file that was seen, so that the next change behind that is it.
class Deletion {
  public:
    using Self = std::shared_ptr<Deletion>;

    static void start(std::shared_ptr<Loop> loop, std::string path, Revision condition,
                      std::shared_ptr<Durability> durability, Callback<Done> refused) {
        auto self = std::make_shared<Deletion>();
        self->loop = std::move(loop);
        self->path = std::move(path);
        self->condition = condition;
        self->durability = std::move(durability);
        self->refused = std::move(refused);
        look(self);
    }

    std::shared_ptr<Loop> loop;
    std::string path;
    Revision condition;
    std::shared_ptr<Durability> durability;
    Callback<Done> refused;

  private:
    template <typename T>
    static void ask(Self const& self, Call call, Result<T> (*convert)(Answer const&),
                    std::function<void(Result<T> const&)> then) {
        call.done = [convert, then = std::move(then)](Answer const& answer) {
            then(convert(answer));
        };
        self->loop->submit_request(std::move(call));
    }

    static void look(Self const& self) {
        ask<Revision>(self, {.verb = Verb::rev, .done = {}}, client::to_revision,
                      [self](Result<Revision> const& rev) {
                          if (!rev.ok()) return self->refused(rev.error());
                          look_at(self, *rev);
                      });
    }

    static void look_at(Self const& self, Revision present) {
        // In a store without any change there is no revision 1 to look at yet.
        if (present == missing) return del(self, present, missing);
        ask<Stat>(self,
                  {.verb = Verb::stat,
                   .path = self->path,
                   .rev = base::Revision(present.value()),
                   .done = {}},
                  client::to_stat, [self, present](Result<Stat> const& stat) {
                      if (stat.ok()) return del(self, present, stat->rev);
                      if (stat.error().code == Errc::too_late) return look(self);
                      self->refused(stat.error());
                  });
    }

    static void del(Self const& self, Revision present, Revision seen) {
        bool const passes = self->condition == clobber || seen <= self->condition;
        bool const exact = passes && seen != directory && self->condition >= clobber;
        Revision const condition = exact ? seen : self->condition;
        ask<Done>(self,
                  {.verb = Verb::del,
                   .path = self->path,
                   .rev = base::Revision(condition.value()),
                   .done = {}},
                  client::to_done, [self, present, exact](Result<Done> const& done) {
                      if (done.ok()) return Durability::wait_for_del(self->durability, present);
                      // Somebody changed the file since it was looked at; that alone is no reason
                      // why the caller's condition should not hold.
                      if (exact && done.error().code == Errc::rev_mismatch) return look(self);
                      self->refused(done.error());
                  });
    }
};

std::optional<Error> not_journaled(std::string_view path, std::size_t value_bytes) {
    if (path.size() > request_path_bytes_max)
        return Error{Errc::limit_exceeded, "a path of " + std::to_string(path.size()) +
                                               " bytes is over the limit of " +
                                               std::to_string(request_path_bytes_max)};
    if (path == "/ctl" || path.starts_with("/ctl/"))
        return Error{Errc::other, "doozerp does not journal " + std::string(path) +
                                      ": what is below /ctl is the servers' own"};
    // In a record: 19 digits, ":", path, "=", value.
    std::size_t const record = 21 + path.size() + value_bytes;
    if (record <= base::journal_record_bytes_max) return std::nullopt;
    return Error{Errc::limit_exceeded,
                 "a value of " + std::to_string(value_bytes) + " bytes fits into no journal"};
}

}  // namespace

DurableClient::DurableClient(Client client, DurableOptions const& options)
    : Client(std::move(client)),
      instance_(options.instance),
      timeout_(options.acknowledgement_timeout) {}

Result<DurableClient> DurableClient::connect(std::string_view uri, DurableOptions const& options) {
    auto const parsed = parse_uri(uri);
    if (!parsed.ok()) return parsed.error();
    return connect(*parsed, options);
}

Result<DurableClient> DurableClient::connect(Uri const& uri, DurableOptions const& options) {
    auto client = Client::connect(uri, options);
    if (!client.ok()) return client.error();
    return DurableClient(std::move(client).value(), options);
}

void DurableClient::async_set(std::string_view path, std::string_view value, Revision condition,
                              Callback<Revision> done) {
    if (!done) done = [](Result<Revision> const&) {};
    auto const& loop = core_->loop();
    if (auto refused = not_journaled(path, value.size()))
        return loop->run_soon([done, error = *refused](client::Engine*) { done(error); });
    auto durability =
        std::make_shared<Durability>(loop, instance_, timeout_, std::string(path), done);
    Client::async_set(path, value, condition, [durability, done](Result<Revision> const& rev) {
        if (!rev.ok()) return done(rev.error());
        Durability::wait_for_set(durability, *rev);
    });
}

void DurableClient::async_del(std::string_view path, Revision condition, Callback<Done> done) {
    if (!done) done = [](Result<Done> const&) {};
    auto const& loop = core_->loop();
    if (auto refused = not_journaled(path, 0))
        return loop->run_soon([done, error = *refused](client::Engine*) { done(error); });
    auto durability = std::make_shared<Durability>(loop, instance_, timeout_, std::string(path),
                                                   [done](Result<Revision> const& rev) {
                                                       if (!rev.ok()) return done(rev.error());
                                                       done(Done{});
                                                   });
    Deletion::start(loop, std::string(path), condition, std::move(durability), std::move(done));
}

Result<Revision> DurableClient::set(std::string_view path, std::string_view value,
                                    Revision condition) {
    return core_->loop()->block<Revision>(
        [&](Callback<Revision> d) { async_set(path, value, condition, std::move(d)); });
}

Result<Done> DurableClient::del(std::string_view path, Revision condition) {
    return core_->loop()->block<Done>(
        [&](Callback<Done> d) { async_del(path, condition, std::move(d)); });
}

}  // namespace doozer
