// SPDX-License-Identifier: Apache-2.0
#include "guideway/datapath/counters.h"

#include <algorithm>
#include <iterator>
#include <numeric>

namespace guideway::datapath {
namespace {

std::uint64_t read(const std::uint64_t& counter) {
  return __atomic_load_n(&counter, __ATOMIC_ACQUIRE);  // on x86 a plain load
}

}  // namespace

gw_counters read_counters(const gw_counters& live) {
  gw_counters copy{};
  copy.packets_in = read(live.packets_in);
  copy.bytes_in = read(live.bytes_in);
  for (int i = 0; i < GW_REASON_COUNT; i++) copy.reasons[i] = read(live.reasons[i]);
  for (int i = 0; i < GW_EVENT_COUNT; i++) copy.events[i] = read(live.events[i]);
  return copy;
}

gw_traffic read_traffic(const gw_traffic& live) {
  return {read(live.packets), read(live.bytes), read(live.flows), 0};
}

std::uint64_t sum_of_reasons(const gw_counters& counters) {
  return std::accumulate(std::begin(counters.reasons), std::end(counters.reasons),
                         std::uint64_t{0});
}

void add(gw_counters& sum, const gw_counters& more) {
  sum.packets_in += more.packets_in;
  sum.bytes_in += more.bytes_in;
  for (int i = 0; i < GW_REASON_COUNT; i++) sum.reasons[i] += more.reasons[i];
  for (int i = 0; i < GW_EVENT_COUNT; i++) sum.events[i] += more.events[i];
}

void add(gw_traffic& sum, const gw_traffic& more) {
  sum.packets += more.packets;
  sum.bytes += more.bytes;
  sum.flows += more.flows;
}

void subtract(gw_traffic& from, const gw_traffic& what) {
  from.packets -= std::min(from.packets, what.packets);
  from.bytes -= std::min(from.bytes, what.bytes);
  from.flows -= std::min(from.flows, what.flows);
}

}  // namespace guideway::datapath
