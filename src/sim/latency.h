// How long a write takes in a healthy and in an ill cluster, in round trips: what the protocol
// costs, without any machine's noise.
#pragma once

#include <string>
#include <vector>

namespace doozer::sim {

/// A line for each case: the median and the 99th percentile of a write's latency in round trips of
/// the network; and for a member that dies the longest time without an answer, in suspicion times.
/// The cluster has `members` members.
std::vector<std::string> measure_latency(std::size_t members);

}  // namespace doozer::sim
