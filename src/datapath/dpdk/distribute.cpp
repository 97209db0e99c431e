// SPDX-License-Identifier: Apache-2.0
#include "guideway/datapath/dpdk/distribute.h"

#include <algorithm>

#include "guideway/core/port_native.h"
// After the port header, which the core's other headers need.
#include "guideway/core/parse.h"

namespace guideway::datapath::dpdk {
namespace {

/// One round of multiply and fold. Not keyed: it only spreads load, and the flow table has its own
/// hash.
std::uint64_t mix(std::uint64_t hash, std::uint64_t value) {
  hash = (hash ^ value) * 0x9e3779b97f4a7c15u;
  return hash ^ (hash >> 32);
}

std::uint64_t pair(std::uint32_t high, std::uint32_t low) {
  return std::uint64_t{high} << 32 | low;
}

}  // namespace

unsigned owner_of(const std::uint8_t* frame, const std::uint8_t* end, unsigned workers) {
  gw_work packet;
  // The reason does not matter here: what could not be parsed is zero, and the owner will say why.
  gw_parse(frame, end, &packet);
  if (packet.family == 0) return 0;
  std::uint64_t hash = mix(packet.protocol, packet.ports);
  for (int i = 0; i < 4; i++) hash = mix(hash, pair(packet.source[i], packet.destination[i]));
  return static_cast<unsigned>((hash >> 32) * workers >> 32);
}

Result<std::unique_ptr<Distributor>> Distributor::make(unsigned workers) {
  auto distributor = std::make_unique<Distributor>();
  distributor->rings_.reserve(workers - 1);
  for (unsigned worker = 1; worker < workers; worker++) {
    auto ring =
        Ring::make("gw-worker-" + std::to_string(worker), kRingLength, Ring::Producers::kOne);
    if (!ring) return tl::unexpected(ring.error());
    distributor->rings_.push_back(std::move(*ring));
  }
  return distributor;
}

unsigned Distributor::hand_over(unsigned worker, rte_mbuf** packets, unsigned count) {
  return rings_[worker - 1].push(packets, count);
}

unsigned Distributor::take(unsigned worker, rte_mbuf** packets, unsigned count) {
  return rings_[worker - 1].pop(packets, count);
}

}  // namespace guideway::datapath::dpdk
