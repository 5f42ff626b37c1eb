#include "replica/access.h"

#include <cstddef>

namespace doozer::replica {
namespace {

/// Takes as long for a wrong secret as for the right one, so that time tells nothing about how
/// much of it was right.
bool same_in_constant_time(std::string_view secret, std::string_view given) {
    unsigned difference = secret.size() == given.size() ? 0 : 1;
    for (std::size_t i = 0; i < given.size(); ++i) {
        char const expected = secret.empty() ? '\0' : secret[i % secret.size()];
        difference |= static_cast<unsigned char>(expected ^ given[i]);
    }
    return difference == 0;
}

}  // namespace

Grants Access::initial() const {
    Grants grants;
    (void)present("", grants);
    return grants;
}

bool Access::present(std::string_view secret, Grants& grants) const {
    bool const writes = same_in_constant_time(read_write_, secret);
    bool const reads = same_in_constant_time(read_only_, secret);
    grants.write |= writes;
    grants.read |= writes || reads;
    return writes || reads;
}

}  // namespace doozer::replica
