// SPDX-License-Identifier: Apache-2.0
#include "generator.h"

#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <sched.h>

#include <utility>

#include "guideway/datapath/dpdk/idle.h"
#include "now.h"
#include "pacer.h"

namespace guideway::pktgen {
namespace {

constexpr std::uint64_t kSecond_ns = 1'000'000'000;

}  // namespace

Generator::Generator(std::uint16_t port_id, rte_mempool* buffers, PacketBuilder builder,
                     TrafficSource traffic, std::uint64_t rate_pps, Waiting waiting)
    : port_id_(port_id),
      buffers_(buffers),
      builder_(std::move(builder)),
      traffic_(std::move(traffic)),
      rate_pps_(rate_pps),
      waiting_(waiting) {}

void Generator::run() {
  datapath::dpdk::ask_for_exact_sleeps();
  const std::uint64_t start_ns = now_ns();
  Pacer pacer(rate_pps_, start_ns);
  while (!is_stopped()) {
    const std::uint64_t now = now_ns();
    const unsigned due = pacer.take(now, kBurst);
    if (due == 0) {
      wait(waiting_, pacer.wait_ns(now));
    } else {
      send(due);
    }
  }
  seconds_ = static_cast<double>(now_ns() - start_ns) / kSecond_ns;
}

void Generator::wait_for_room() {
  device_busy_.add();
  sched_yield();
}

void Generator::send(unsigned count) {
  rte_mbuf* packets[kBurst];
  while (rte_pktmbuf_alloc_bulk(buffers_, packets, count) != 0) {
    if (is_stopped()) return;
    wait_for_room();
  }
  const std::uint64_t now_for_stamps = now_ns();
  for (unsigned i = 0; i < count; i++) fill(*packets[i], now_for_stamps);
  unsigned done = 0;
  while (done < count && !is_stopped()) {
    std::uint64_t lengths[kBurst + 1] = {0};
    for (unsigned i = done; i < count; i++) lengths[i + 1] = lengths[i] + packets[i]->pkt_len;
    const std::uint16_t now =
        rte_eth_tx_burst(port_id_, 0, packets + done, static_cast<std::uint16_t>(count - done));
    done += now;
    sent_.add(now);
    bytes_sent_.add(lengths[done]);
    if (now == 0) wait_for_room();
  }
  if (done < count) rte_pktmbuf_free_bulk(packets + done, count - done);
}

void Generator::fill(rte_mbuf& buffer, std::uint64_t now) {
  auto* frame = rte_pktmbuf_mtod(&buffer, std::uint8_t*);
  const unsigned length = builder_.build(traffic_.next(), frame, now);
  buffer.data_len = static_cast<std::uint16_t>(length);
  buffer.pkt_len = length;
}

}  // namespace guideway::pktgen
