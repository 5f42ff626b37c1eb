#include "client/loop.h"

#include <algorithm>
#include <string>

#include "client/answer.h"

namespace doozer::client {
Loop::Loop(Dialer::Target target, Options const& options, Timing const& timing)
    : io_(std::make_shared<asio::io_context>(1)),
      work_(io_->get_executor()),
      request_timeout_(options.request_timeout),
      last_deadline_(options.deadline),
      engine_(io_, std::move(target), timing, options.learn_addresses, options.begin_anew),
      begins_anew_(options.begin_anew) {}

void Loop::run() {
    thread_ = std::this_thread::get_id();
    io_->run();
    thread_ = std::thread::id();
}

void Loop::close() {
    asio::post(*io_, [this] {
        // From here on nothing reaches the engine any more, whatever its callbacks submit.
        std::vector<Item> last;
        {
            std::lock_guard const lock(mutex_);
            closed_ = true;
            std::swap(last, inbox_);
        }
        engine_.shutdown();
        for (Item& item : last) refuse(std::move(item));
        io_->stop();
    });
}

void Loop::push(Item item) {
    {
        std::lock_guard const lock(mutex_);
        if (!closed_) {
            inbox_.push_back(std::move(item));
            if (inbox_.size() > 1) return;
            asio::post(*io_, [this] { drain(); });
            return;
        }
    }
    refuse(std::move(item));
}

void Loop::drain() {
    std::vector<Item> items;
    {
        std::lock_guard const lock(mutex_);
        std::swap(items, inbox_);
    }
    for (Item& item : items) perform(std::move(item));
}

void Loop::perform(Item item) {
    if (auto* const task = std::get_if<Task>(&item)) return (*task)(&engine_);
    engine_.submit_counted(std::move(std::get<Call>(item)));
}

void Loop::refuse(Item item) {
    if (auto* const task = std::get_if<Task>(&item)) return (*task)(nullptr);
    Call const& call = std::get<Call>(item);
    engine_.uncount(call);
    call.done(closed_error());
}

void Loop::submit(Call call) {
    engine_.count(call);
    push(std::move(call));
}

void Loop::run_soon(Task task) {
    push(std::move(task));
}

std::optional<Clock::time_point> Loop::request_deadline() const {
    if (!request_timeout_) return last_deadline_;
    auto const deadline = Clock::now() + *request_timeout_;
    return last_deadline_ ? std::min(deadline, *last_deadline_) : deadline;
}

std::optional<Error> Loop::refusal_of(std::size_t bytes) const {
    if (engine_.outstanding() >= requests_outstanding_max)
        return Error{Errc::limit_exceeded, "too many requests are unanswered: the limit is " +
                                               std::to_string(requests_outstanding_max)};
    if (engine_.outstanding_bytes() + bytes > request_bytes_outstanding_max)
        return Error{Errc::limit_exceeded, "too many bytes are unanswered: the limit is " +
                                               std::to_string(request_bytes_outstanding_max)};
    return std::nullopt;
}

void Loop::submit_request(Call call) {
    if (!call.deadline && call.verb != Verb::wait) call.deadline = request_deadline();
    if (last_deadline_)
        call.deadline = std::min(call.deadline.value_or(*last_deadline_), *last_deadline_);
    auto refused = refusal_of(call.bytes());
    if (!refused) return submit(std::move(call));
    run_soon([done = std::move(call.done), error = *std::move(refused)](Engine*) { done(error); });
}

}  // namespace doozer::client
