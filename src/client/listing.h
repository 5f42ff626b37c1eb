// A whole WALK or GETDIR, which the protocol gives one offset at a time: many offsets are asked for
// at once, all at one revision.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "client/answer.h"
#include "client/engine.h"
#include "doozer/client.h"

namespace doozer::client {

/// Entry is what one answer becomes: an Event of a walk, a name of a directory.
template <typename Entry>
class Listing {
  public:
    using Done = std::function<void(Result<std::vector<Entry>>)>;
    struct What {
        Verb verb;
        std::string path;
        std::optional<base::Revision> rev;  ///< not set: the newest
        std::optional<Clock::time_point> deadline;
        Result<Entry> (*convert)(Answer const&);
        bool linear = false;
        bool internal = false;  ///< see Call
    };

    /// For the loop's thread. `done` is called once; the error is that of the first offset to be
    /// refused for another reason than RANGE.
    static void start(Engine& engine, What what, Done done) {
        auto const self = std::make_shared<Listing>(engine, std::move(what), std::move(done));
        if (self->what_.rev) return ask(self);
        Call call;
        call.verb = Verb::rev;
        call.deadline = self->what_.deadline;
        call.linear = self->what_.linear;
        call.internal = self->what_.internal;
        call.done = [self](Answer const& answer) {
            auto const rev = to_revision(answer);
            if (!rev.ok()) return self->finish(rev.error());
            base::Revision at(rev->value());
            if (!self->what_.internal) at = std::max(at, self->engine_.seen());
            // In a store without any change there is no revision 1 to look at yet.
            if (at != base::missing) self->what_.rev = at;
            ask(self);
        };
        engine.submit(std::move(call));
    }

    Listing(Engine& engine, What what, Done done)
        : engine_(engine), what_(std::move(what)), done_(std::move(done)) {}

  private:
    using Self = std::shared_ptr<Listing>;

    static void ask(Self const& self) {
        while (self->done_ && !self->end_ && self->asked_ - self->received_ < self->window())
            ask_for(self, self->asked_++);
    }

    static void ask_for(Self const& self, std::size_t offset) {
        Call call;
        call.verb = self->what_.verb;
        call.path = self->what_.path;
        call.offset = static_cast<std::int32_t>(offset);
        call.rev = self->what_.rev;
        call.deadline = self->what_.deadline;
        call.internal = self->what_.internal;
        call.done = [self, offset](Answer const& answer) {
            if (!self->done_) return;
            self->received(offset, self->what_.convert(answer));
            ask(self);
        };
        self->engine_.submit(std::move(call));
    }

    void received(std::size_t offset, Result<Entry> entry) {
        ++received_;
        if (entry.ok()) {
            bytes_ += bytes_of(*entry);
            if (bytes_ > listing_bytes_max) return finish(too_large());
            if (entries_.size() <= offset) entries_.resize(offset + 1);
            entries_[offset] = std::move(entry).value();
            ++entries_received_;
        } else if (entry.error().code == Errc::range) {
            end_ = std::min(end_.value_or(offset), offset);
        } else {
            return finish(entry.error());
        }
        if (end_ && entries_received_ >= *end_) finish(std::move(entries_));
    }

    /// Grows with what has come, so that a short listing costs few requests; little when many
    /// listings share the room for outstanding requests.
    [[nodiscard]] std::size_t window() const {
        if (engine_.outstanding() > requests_outstanding_max / 2) return 1;
        return std::min(window_first + received_, base::listing_requests_max);
    }

    void finish(Result<std::vector<Entry>> outcome) {
        auto const done = std::exchange(done_, nullptr);
        done(std::move(outcome));
    }

    static std::size_t bytes_of(Event const& file) {
        return sizeof(Event) + file.path.size() + file.value.size();
    }
    static std::size_t bytes_of(std::string const& name) {
        return sizeof(std::string) + name.size();
    }

    [[nodiscard]] Error too_large() const {
        return Error{Errc::limit_exceeded, "what matches " + what_.path + " takes more than " +
                                               std::to_string(listing_bytes_max) +
                                               " bytes: ask for parts of it"};
    }

    static constexpr std::size_t window_first = 8;

    Engine& engine_;
    What what_;
    Done done_;
    std::size_t asked_ = 0;
    std::size_t received_ = 0;
    std::size_t entries_received_ = 0;
    std::size_t bytes_ = 0;           // about what entries_ takes
    std::optional<std::size_t> end_;  // the first offset known to be behind the last entry
    std::vector<Entry> entries_;
};

}  // namespace doozer::client
