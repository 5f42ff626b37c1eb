// What a DurableClient waits for. Source: docs/persistence.md, In the
// store.
#include "doozer/durable.h"

#include <atomic>
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

/// The revision that an acknowledgement holds, or missing for anything else.
Revision revision_in(std::string_view text) {
    std::int64_t rev = 0;
    auto const read = std::from_chars(text.data(), text.data() + text.size(), rev);
    if (read.ec != std::errc() || read.ptr != text.data() + text.size()) return missing;
    return Revision(rev);
}

/// Waits until one change is on the disk of one instance: until its compact acknowledgement,
/// /ctl/durable/<id>, has come up to the change. An instance that has none, such as the original
/// doozerp, acknowledges each path by a mirror of its own, /ctl/persistence/<id><path>.
class Durability {
  public:
    using Self = std::shared_ptr<Durability>;
    using OnEnd = std::function<void(Result<Revision>)>;
    using Flag = std::shared_ptr<std::atomic<bool>>;

    /// `is_compact`: whether the instance is known to have a compact acknowledgement.
    Durability(std::shared_ptr<Loop> loop, std::int64_t instance, std::chrono::milliseconds timeout,
               Flag is_compact, std::string path, OnEnd on_end)
        : loop_(std::move(loop)),
          instance_(std::to_string(instance)),
          timeout_(timeout),
          is_compact_(std::move(is_compact)),
          path_(std::move(path)),
          on_end_(std::move(on_end)) {}

    static void wait_for_set(Self const& self, Revision rev) {
        self->deadline_ = Clock::now() + self->timeout_;
        self->rev_ = rev;
        self->wants_set_ = true;
        wait(self);
    }

    /// For a delete: the first change of the path behind `before` is the delete.
    static void wait_for_del(Self const& self, Revision before) {
        self->deadline_ = Clock::now() + self->timeout_;
        find_del(self, before.next());
    }

  private:
    /// `then` is not called when the other kind of acknowledgement was faster.
    template <typename T>
    static void ask(Self const& self, Verb verb, std::string path, std::optional<Revision> rev,
                    Result<T> (*convert)(Answer const&),
                    std::function<void(Result<T> const&)> then) {
        Call call;
        call.verb = verb;
        call.path = std::move(path);
        if (rev) call.rev = base::Revision(rev->value());
        call.deadline = self->deadline_;
        call.done = [self, convert, then = std::move(then)](Answer const& answer) {
            if (self->on_end_) then(convert(answer));
        };
        self->loop_->submit_request(std::move(call));
    }

    static void find_del(Self const& self, Revision from) {
        ask<Event>(self, Verb::wait, self->path_, from, client::to_event,
                   [self](Result<Event> const& e) {
                       if (!e.ok()) return self->fail(e.error());
                       if (!e->is_del()) return find_del(self, e->rev.next());
                       self->rev_ = e->rev;
                       wait(self);
                   });
    }

    static void wait(Self const& self) {
        // It is written after the change, so it cannot be missed.
        wait_for_compact(self, self->rev_);
        if (*self->is_compact_) return;
        ask<File>(self, Verb::get, self->compact(), std::nullopt, client::to_file,
                  [self](Result<File> const& file) {
                      if (!file.ok()) return self->fail(file.error());
                      if (!file->exists()) return wait_for_mirror(self, self->rev_);
                      see_compact(self, file->value);
                  });
    }

    /// Whether that was what was waited for.
    static bool see_compact(Self const& self, std::string_view value) {
        *self->is_compact_ = true;
        if (revision_in(value) < self->rev_) return false;
        self->succeed();
        return true;
    }

    static void wait_for_compact(Self const& self, Revision from) {
        ask<Event>(self, Verb::wait, self->compact(), from, client::to_event,
                   [self](Result<Event> const& e) {
                       if (!e.ok() && e.error().code == Errc::too_late) return catch_up(self);
                       if (!e.ok()) return self->fail(e.error());
                       if (!see_compact(self, e->value)) wait_for_compact(self, e->rev.next());
                   });
    }

    /// The history has gone on so far that it no longer tells.
    static void catch_up(Self const& self) {
        ask<File>(self, Verb::get, self->compact(), std::nullopt, client::to_file,
                  [self](Result<File> const& file) {
                      if (!file.ok()) return self->fail(file.error());
                      if (!see_compact(self, file->value)) wait_for_compact(self, file->rev.next());
                  });
    }

    static void wait_for_mirror(Self const& self, Revision from) {
        auto const mirror = "/ctl/persistence/" + self->instance_ + self->path_;
        ask<Event>(self, Verb::wait, mirror, from, client::to_event,
                   [self](Result<Event> const& e) {
                       // A compact one may still come; its deadline is the same.
                       if (!e.ok()) return;
                       bool const is_ours = self->wants_set_
                                                ? e->is_set() && revision_in(e->value) >= self->rev_
                                                : e->is_del();
                       if (is_ours) return self->succeed();
                       wait_for_mirror(self, e->rev.next());
                   });
    }

    [[nodiscard]] std::string compact() const { return "/ctl/durable/" + instance_; }

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
    Flag const is_compact_;
    std::string const path_;
    OnEnd on_end_;
    Revision rev_ = missing;  // of the change, once it is known
    bool wants_set_ = false;
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
      timeout_(options.acknowledgement_timeout),
      is_compact_(std::make_shared<std::atomic<bool>>(false)) {}

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
    auto durability = std::make_shared<Durability>(loop, instance_, timeout_, is_compact_,
                                                   std::string(path), done);
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
    auto durability =
        std::make_shared<Durability>(loop, instance_, timeout_, is_compact_, std::string(path),
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
