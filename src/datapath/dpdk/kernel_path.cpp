// SPDX-License-Identifier: Apache-2.0
#include "guideway/datapath/dpdk/kernel_path.h"

#include <poll.h>
#include <rte_mbuf.h>
#include <spdlog/spdlog.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <utility>

#include "guideway/datapath/dpdk/thread.h"

namespace guideway::datapath::dpdk {
namespace {

constexpr unsigned kBurst = 32;
/// Ethernet header and two VLAN tags.
constexpr unsigned kLongestLinkHeader = 22;
/// Nobody tells when a full outbox has room again: look after this time. Half an outbox at line
/// rate of 1 Gbit/s is longer.
constexpr timespec kOutboxRetry{0, 200'000};

void add(std::atomic<std::uint64_t>& counter, std::uint64_t amount = 1) {
  counter.store(counter.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
}

}  // namespace

Result<std::unique_ptr<KernelPath>> KernelPath::open(const std::vector<Interface>& interfaces,
                                                     rte_mempool* pool) {
  std::unique_ptr<KernelPath> path(new KernelPath);
  path->pool_ = pool;
  path->wake_ = FileDescriptor(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!path->wake_) return base::fail_errno("cannot make an eventfd for the kernel path", errno);
  for (const Interface& interface : interfaces) {
    const std::string name = tap_name(interface.name);
    auto tap = Tap::make(name, interface.mac, interface.mtu);
    if (!tap) return tl::unexpected(tap.error());
    auto ring = Ring::make("gw-kernel-" + std::to_string(path->lanes_.size()), kQueueLength,
                           Ring::Producers::kMany);
    if (!ring) return tl::unexpected(ring.error());
    path->lanes_.push_back(std::make_unique<Lane>(
        std::move(*tap), std::move(*ring), interface.outbox, interface.mtu + kLongestLinkHeader));
  }
  path->thread_ = start_thread("gw-kernel-path", [raw = path.get()] { raw->run(); });
  return path;
}

KernelPath::~KernelPath() { stop(); }

void KernelPath::stop() {
  if (thread_.joinable()) {
    stopping_.store(true, std::memory_order_release);
    wake();
    thread_.join();
  }
  for (auto& lane : lanes_) lane->tap.close();
}

KernelTraffic KernelPath::traffic(unsigned interface) const {
  const Lane& lane = *lanes_[interface];
  return {lane.delivered.load(std::memory_order_relaxed),
          lane.refused.load(std::memory_order_relaxed), lane.taken.load(std::memory_order_relaxed),
          lane.dropped.load(std::memory_order_relaxed)};
}

unsigned KernelPath::to_kernel(unsigned interface, rte_mbuf** packets, unsigned count) {
  const unsigned taken = lanes_[interface]->to_kernel.push(packets, count);
  // Pairs with the fence in sleep_until_work(): either the thread sees the packets, or we see it
  // asleep.
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (asleep_.load(std::memory_order_relaxed) && asleep_.exchange(false)) wake();
  return taken;
}

void KernelPath::wake() {
  const std::uint64_t one = 1;
  // It can fail only when a wake-up is pending already.
  [[maybe_unused]] auto written = write(wake_.get(), &one, sizeof one);
}

void KernelPath::run() {
  while (!stopping_.load(std::memory_order_acquire)) {
    if (!move_frames()) sleep_until_work();
  }
}

bool KernelPath::move_frames() {
  unsigned moved = 0;
  for (auto& lane : lanes_) moved += write_to_tap(*lane) + read_from_tap(*lane);
  return moved != 0;
}

unsigned KernelPath::write_to_tap(Lane& lane) {
  rte_mbuf* packets[kBurst];
  const unsigned count = lane.to_kernel.pop(packets, kBurst);
  for (unsigned i = 0; i < count; i++) {
    auto written = write(lane.tap.fd(), rte_pktmbuf_mtod(packets[i], void*), packets[i]->data_len);
    add(written >= 0 ? lane.delivered : lane.refused);
  }
  if (count != 0) rte_pktmbuf_free_bulk(packets, count);
  return count;
}

/// Takes no more than the outbox has room for: the rest waits in the TAP, where the kernel slows
/// down or drops its senders.
unsigned KernelPath::read_from_tap(Lane& lane) {
  if (lane.broken) return 0;
  const unsigned most = std::min(kBurst, lane.outbox->room());
  lane.held_back = most == 0;
  unsigned count = 0;
  while (count < most && read_frame(lane)) count++;
  return count;
}

bool KernelPath::read_frame(Lane& lane) {
  rte_mbuf* packet = rte_pktmbuf_alloc(pool_);
  if (!packet) {
    lane.held_back = true;
    return false;
  }
  auto length = read(lane.tap.fd(), rte_pktmbuf_mtod(packet, void*), rte_pktmbuf_tailroom(packet));
  if (length <= 0) {
    lane.broken = length < 0 && errno == EBADFD;
    if (lane.broken) spdlog::error("a TAP of ours was deleted; restart guidewayd to get it back");
    rte_pktmbuf_free(packet);
    return false;
  }
  packet->data_len = static_cast<std::uint16_t>(length);
  packet->pkt_len = packet->data_len;
  // Too long: the MTU of the TAP was raised above the device's.
  const bool fits = packet->data_len <= lane.longest_frame;
  if (fits && lane.outbox->push(&packet, 1) == 1) {
    add(lane.taken);
  } else {
    add(lane.dropped);
    rte_pktmbuf_free(packet);
  }
  return true;
}

bool KernelPath::rings_are_empty() const {
  for (const auto& lane : lanes_) {
    if (!lane->to_kernel.empty()) return false;
  }
  return true;
}

void KernelPath::sleep_until_work() {
  std::vector<pollfd> waiting{{wake_.get(), POLLIN, 0}};
  const timespec* limit = nullptr;
  for (const auto& lane : lanes_) {
    if (lane->held_back) {
      limit = &kOutboxRetry;
    } else if (!lane->broken) {
      waiting.push_back({lane->tap.fd(), POLLIN, 0});
    }
  }
  asleep_.store(true, std::memory_order_relaxed);
  // Pairs with the fence in to_kernel().
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (rings_are_empty() && !stopping_.load(std::memory_order_acquire)) {
    ppoll(waiting.data(), waiting.size(), limit, nullptr);
  }
  asleep_.store(false, std::memory_order_relaxed);
  std::uint64_t count = 0;
  [[maybe_unused]] auto got = read(wake_.get(), &count, sizeof count);
}

}  // namespace guideway::datapath::dpdk
