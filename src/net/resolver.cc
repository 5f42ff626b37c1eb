#include "net/resolver.h"

#include <algorithm>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

namespace doozer::net {
Resolved look_up(Address const& address) {
    asio::io_context own;
    tcp::resolver resolver(own);
    error_code failure;
    auto const found = resolver.resolve(address.host, std::to_string(address.port), failure);
    Resolved result;
    if (failure) result.failure = failure.message();
    for (auto const& entry : found) result.endpoints.push_back(entry.endpoint());
    std::stable_partition(result.endpoints.begin(), result.endpoints.end(),
                          [](tcp::endpoint const& e) { return e.address().is_v4(); });
    return result;
}

/// Where the threads leave what they have found, for as long as somebody wants it.
struct Resolver::Mailbox {
    std::mutex mutex;
    asio::io_context* loop = nullptr;  // guarded by mutex; null once the resolver is gone
    std::size_t lookups = 0;           // guarded by mutex
};

Resolver::Resolver(asio::io_context& loop) : mailbox_(std::make_shared<Mailbox>()) {
    mailbox_->loop = &loop;
}

Resolver::~Resolver() {
    std::lock_guard const lock(mailbox_->mutex);
    mailbox_->loop = nullptr;
}

void Resolver::resolve(Address const& address, Done done) {
    // Whatever is posted may run after the resolver is gone, and must not call anybody then.
    auto const deliver = [box = mailbox_, done = std::move(done)](Resolved found) {
        std::lock_guard const lock(box->mutex);
        if (box->loop == nullptr) return;
        asio::post(*box->loop, [box, done, found = std::move(found)] {
            {
                std::lock_guard const still(box->mutex);
                if (box->loop == nullptr) return;
            }
            done(found);
        });
    };
    error_code not_numeric;
    auto const ip = asio::ip::make_address(address.host, not_numeric);
    if (!not_numeric) return deliver({{{ip, address.port}}, {}});
    {
        std::lock_guard const lock(mailbox_->mutex);
        if (mailbox_->lookups < lookups_max)
            ++mailbox_->lookups;
        else
            return asio::post(*mailbox_->loop, [deliver] { deliver({{}, "too many lookups"}); });
    }
    try {
        std::thread([box = mailbox_, address, deliver] {
            Resolved found = look_up(address);
            {
                std::lock_guard const lock(box->mutex);
                --box->lookups;
            }
            deliver(std::move(found));
        }).detach();
    } catch (std::system_error const& e) {
        {
            std::lock_guard const lock(mailbox_->mutex);
            --mailbox_->lookups;
        }
        deliver({{}, e.what()});
    }
}

}  // namespace doozer::net
