// One function object out of several, for std::visit.
#pragma once

namespace doozer::base {

template <typename... Handlers>
struct Overload : Handlers... {
    using Handlers::operator()...;
};
template <typename... Handlers>
Overload(Handlers...) -> Overload<Handlers...>;  // clang 14 does not find it by itself

}  // namespace doozer::base
