// A program of somebody else: only what is installed, nothing of the tree.
#include <doozer/client.h>

#include <cstring>
#include <iostream>

int main() {
    if (std::strcmp(doozer::version(), DOOZER_VERSION) != 0) {
        std::cerr << "headers " << DOOZER_VERSION << ", library " << doozer::version() << '\n';
        return 1;
    }
    auto const uri = doozer::parse_uri("doozer:?ca=[::1]&sk=a%20b");
    if (!uri || uri->addresses.at(0) != "[::1]:8046" || uri->secret != "a b") {
        std::cerr << "parse_uri\n";
        return 1;
    }
    // Port 1 is nobody's: a socket was tried, so the whole library is here.
    auto client = doozer::Client::connect("doozer:?ca=127.0.0.1:1");
    if (client || client.error().code != doozer::Errc::connect_failed) {
        std::cerr << "connect\n";
        return 1;
    }
    std::cout << "doozer " << doozer::version() << ": " << client.error().message() << '\n';
}
