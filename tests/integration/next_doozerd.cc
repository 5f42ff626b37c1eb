// doozerd as the release after this one may be: it speaks the next version of the member protocol
// too, and knows rules that this one does not. For the test of an upgrade.
#include <string>

#include "server/program.h"

int main(int argc, char** argv) {
    using namespace doozer;  // NOLINT(google-build-using-namespace): a program, not a library
    server::Release next;
    next.version = std::to_string(DOOZER_VERSION_MAJOR + 1) + ".0.0";
    ++next.member_protocol.newest;
    next.rules.since.emplace_back(DOOZER_VERSION_MAJOR + 1, 0);
    return server::run_program(argc, argv, next);
}
