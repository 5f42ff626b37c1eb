// Many requests at once, and all their answers.
#pragma once

#include <cstddef>
#include <future>
#include <memory>
#include <utility>
#include <vector>

#include "doozer/client.h"

namespace doozer::journal {

/// Calls `start` with 0, 1, ... count - 1 and a callback each, and waits until all were called.
template <typename T, typename Start>
std::vector<Result<T>> gather(std::size_t count, Start const& start) {
    std::vector<std::future<Result<T>>> futures;
    futures.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
        // Shared: the client's thread may still be in set_value when this one has its result.
        auto const promise = std::make_shared<std::promise<Result<T>>>();
        futures.push_back(promise->get_future());
        start(i, [promise](Result<T> outcome) { promise->set_value(std::move(outcome)); });
    }
    std::vector<Result<T>> outcomes;
    outcomes.reserve(count);
    for (auto& future : futures) outcomes.push_back(future.get());
    return outcomes;
}

}  // namespace doozer::journal
