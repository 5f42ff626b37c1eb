#include "journal/acknowledgements.h"

#include <mutex>
#include <utility>
#include <vector>

#include "base/limits.h"

namespace doozer::journal {
namespace {

using std::chrono::steady_clock;

/// Before what was refused is tried again.
constexpr std::chrono::milliseconds patience{500};

/// Lost on the way, so that it is worth trying at once.
bool was_lost(Errc code) {
    return code == Errc::unknown_outcome || code == Errc::limit_exceeded;
}

}  // namespace

std::string mirror_of(std::int64_t instance, std::string_view path) {
    return "/ctl/persistence/" + std::to_string(instance).append(path);
}

std::string compact_of(std::int64_t instance) {
    return "/ctl/durable/" + std::to_string(instance);
}

struct Acknowledgements::State {
    struct Failure {
        Mirror mirror;
        Error error;
    };
    std::mutex mutex;  // guards what follows
    std::size_t outstanding = 0;
    std::vector<Failure> failures;
    bool compact_outstanding = false;
    Revision compact_done{-1};
    std::uint64_t done = 0;
};

Acknowledgements::Acknowledgements(Client& client, std::int64_t instance, bool mirrors,
                                   Metrics& metrics, Log log)
    : client_(client),
      instance_(instance),
      mirrors_(mirrors),
      metrics_(metrics),
      log_(std::move(log)),
      state_(std::make_shared<State>()) {}

Acknowledgements::~Acknowledgements() = default;

void Acknowledgements::add(std::string_view path, std::optional<Revision> rev) {
    if (!mirrors_) return;
    std::uint64_t const place = ++added_;
    auto const [known, is_new] = place_.try_emplace(std::string(path), place);
    if (!is_new) waiting_.erase(std::exchange(known->second, place));
    waiting_.emplace(place, Mirror{std::string(path), rev});
}

void Acknowledgements::add_all_to(Revision rev) {
    all_to_ = rev;
}

void Acknowledgements::send(Index const& index) {
    take_failures(index);
    if (steady_clock::now() >= not_before_) {
        std::size_t room = 0;
        {
            std::lock_guard const lock(state_->mutex);
            room = base::persist_acks_outstanding_max -
                   std::min(base::persist_acks_outstanding_max, state_->outstanding);
            state_->outstanding += std::min(room, waiting_.size());
        }
        send_compact();
        for (; room > 0 && !waiting_.empty(); --room) {
            auto first = waiting_.extract(waiting_.begin());
            place_.erase(first.mapped().path);
            send_one(std::move(first.mapped()));
        }
    }
    std::lock_guard const lock(state_->mutex);
    metrics_.acknowledgements = state_->done;
    metrics_.acknowledgements_waiting = waiting_.size() + state_->outstanding;
}

void Acknowledgements::send_one(Mirror mirror) {
    std::string const path = mirror_of(instance_, mirror.path);
    std::string const value = mirror.rev ? std::to_string(mirror.rev->value()) : std::string();
    bool const is_set = mirror.rev.has_value();
    auto const ended = [state = state_, mirror = std::move(mirror)](Error const* error) {
        std::lock_guard const lock(state->mutex);
        --state->outstanding;
        if (error == nullptr)
            ++state->done;
        else
            state->failures.push_back({mirror, *error});
    };
    if (is_set)
        client_.async_set(path, value, clobber, [ended](Result<Revision> const& outcome) {
            ended(outcome.ok() ? nullptr : &outcome.error());
        });
    else
        client_.async_del(path, clobber, [ended](Result<Done> const& outcome) {
            ended(outcome.ok() ? nullptr : &outcome.error());
        });
}

void Acknowledgements::send_compact() {
    {
        std::lock_guard const lock(state_->mutex);
        if (state_->compact_outstanding || state_->compact_done >= all_to_) return;
        state_->compact_outstanding = true;
    }
    client_.async_set(compact_of(instance_), std::to_string(all_to_.value()), clobber,
                      [state = state_, rev = all_to_](Result<Revision> const& outcome) {
                          std::lock_guard const lock(state->mutex);
                          state->compact_outstanding = false;
                          if (!outcome.ok()) return;
                          state->compact_done = rev;
                          ++state->done;
                      });
}

void Acknowledgements::take_failures(Index const& index) {
    std::vector<State::Failure> failures;
    {
        std::lock_guard const lock(state_->mutex);
        std::swap(failures, state_->failures);
    }
    for (auto& [mirror, error] : failures) {
        auto const* const now = index.find(mirror.path);
        bool const is_current =
            mirror.rev ? now != nullptr && now->rev.value() == mirror.rev->value() : now == nullptr;
        // Otherwise the acknowledgement of what came later stands for this one.
        if (!is_current || place_.contains(mirror.path)) continue;
        if (error.code == Errc::bad_path) {
            log_("cannot acknowledge " + mirror.path + ": its mirror's path is too long");
            continue;
        }
        if (error.code == Errc::isdir || error.code == Errc::notdir) {
            clear_the_way(mirror.path, error.code);
        } else if (!was_lost(error.code)) {
            not_before_ = steady_clock::now() + patience;
            if (std::string why = error.message(); why != last_failure_) {
                log_("cannot acknowledge changes: " + why);
                last_failure_ = std::move(why);
            }
        }
        ++metrics_.acknowledgements_repeated;
        add(mirror.path, mirror.rev);
    }
}

/// Deletes mirrors of an earlier state of the tree, in which a file was where a directory is now or
/// the other way round.
void Acknowledgements::clear_the_way(std::string_view path, Errc conflict) {
    if (conflict == Errc::isdir) {
        auto const below = client_.walk(mirror_of(instance_, path) + "/**");
        if (!below.ok()) return;
        for (Event const& file : *below) (void)client_.del(file.path, clobber);
        return;
    }
    for (std::size_t slash = path.rfind('/'); slash > 0; slash = path.rfind('/', slash - 1))
        (void)client_.del(mirror_of(instance_, path.substr(0, slash)), clobber);
}

}  // namespace doozer::journal
