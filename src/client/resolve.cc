#include "client/resolve.h"

#include <system_error>
#include <thread>
#include <utility>

#include <boost/asio/ip/address.hpp>

namespace doozer::client {
void resolve(Context const& io, net::Address const& address, std::function<void(Resolved)> done) {
    auto const finish = [done = std::move(done)](net::asio::io_context& where, Resolved resolved) {
        net::asio::post(where, [done, resolved = std::move(resolved)] { done(resolved); });
    };
    net::error_code not_numeric;
    auto const ip = net::asio::ip::make_address(address.host, not_numeric);
    if (!not_numeric) return finish(*io, Resolved{{{ip, address.port}}, {}});
    try {
        std::thread([io, address, finish] { finish(*io, net::look_up(address)); }).detach();
    } catch (std::system_error const& e) {
        finish(*io, Resolved{{}, e.what()});
    }
}

}  // namespace doozer::client
