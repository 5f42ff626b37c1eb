#include "client/resolve.h"

#include <system_error>
#include <thread>
#include <utility>

#include <boost/asio/ip/address.hpp>

namespace doozer::client {
namespace {

Resolved look_up(net::Address const& address) {
    net::asio::io_context own;
    net::tcp::resolver resolver(own);
    net::error_code failure;
    auto const found = resolver.resolve(address.host, std::to_string(address.port), failure);
    Resolved resolved;
    if (failure) resolved.failure = failure.message();
    for (auto const& entry : found) resolved.endpoints.push_back(entry.endpoint());
    return resolved;
}

}  // namespace

void resolve(Context const& io, net::Address const& address, std::function<void(Resolved)> done) {
    auto const finish = [done = std::move(done)](net::asio::io_context& where, Resolved resolved) {
        net::asio::post(where, [done, resolved = std::move(resolved)] { done(resolved); });
    };
    net::error_code not_numeric;
    auto const ip = net::asio::ip::make_address(address.host, not_numeric);
    if (!not_numeric) return finish(*io, Resolved{{{ip, address.port}}, {}});
    try {
        std::thread([io, address, finish] { finish(*io, look_up(address)); }).detach();
    } catch (std::system_error const& e) {
        finish(*io, Resolved{{}, e.what()});
    }
}

}  // namespace doozer::client
