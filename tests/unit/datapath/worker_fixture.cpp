// SPDX-License-Identifier: Apache-2.0
#include "worker_fixture.h"

#include <rte_bus_vdev.h>
#include <rte_errno.h>
#include <rte_eth_ring.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <numeric>

#include "guideway/datapath/dpdk/eal.h"
#include "guideway/datapath/dpdk/outbox.h"
#include "guideway/datapath/dpdk/plan.h"

namespace guideway::datapath::dpdk::testing {
namespace {

constexpr unsigned kWireLength = 4096;

/// A test cannot go on without; the message says what was missing.
template <typename T>
T must(Result<T> result) {
  if (!result) {
    std::fprintf(stderr, "worker fixture: %s\n", result.error().message.c_str());
    std::abort();
  }
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

void must_be(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "worker fixture: %s: %s\n", what, rte_strerror(rte_errno));
  std::abort();
}

/// A name that no other port of this process has had.
std::string unused_name() {
  static unsigned number = 0;
  return "test" + std::to_string(number++);
}

Frame bytes_of(const rte_mbuf* packet) {
  Frame frame;
  for (const rte_mbuf* part = packet; part; part = part->next) {
    const auto* data = static_cast<const std::uint8_t*>(part->buf_addr) + part->data_off;
    frame.insert(frame.end(), data, data + part->data_len);
  }
  return frame;
}

rte_mbuf* buffer_with(rte_mempool* pool, std::span<const std::uint8_t> bytes) {
  rte_mbuf* packet = rte_pktmbuf_alloc(pool);
  must_be(packet != nullptr, "no packet buffer");
  char* data = rte_pktmbuf_append(packet, static_cast<std::uint16_t>(bytes.size()));
  must_be(data != nullptr, "the frame does not fit into a buffer");
  std::memcpy(data, bytes.data(), bytes.size());
  return packet;
}

rte_mbuf* chain_with(rte_mempool* pool, std::span<const std::uint8_t> bytes, std::size_t segment) {
  if (segment == 0 || bytes.size() <= segment) return buffer_with(pool, bytes);
  rte_mbuf* head = buffer_with(pool, bytes.first(segment));
  for (bytes = bytes.subspan(segment); !bytes.empty();) {
    const auto part = bytes.first(std::min(segment, bytes.size()));
    must_be(rte_pktmbuf_chain(head, buffer_with(pool, part)) == 0, "chain too long");
    bytes = bytes.subspan(part.size());
  }
  return head;
}

void free_with_packets(rte_ring* ring) {
  void* packet = nullptr;
  while (rte_ring_dequeue(ring, &packet) == 0) rte_pktmbuf_free(static_cast<rte_mbuf*>(packet));
  rte_ring_free(ring);
}

}  // namespace

void start_test_eal() {
  EalOptions options;
  options.memory_mb = 512;
  options.huge_pages = HugePageUse::kNever;
  must(start_eal(options));
}

rte_mempool* running_pool() {
  rte_mempool* pool = rte_mempool_lookup(BufferPool::kName);
  must_be(pool != nullptr, "no datapath runs");
  return pool;
}

RingPort::RingPort(const std::string& name, unsigned queues, unsigned tx_length) : name_(name) {
  start_test_eal();
  auto make = [&](const char* side, unsigned queue, unsigned length) {
    const std::string ring_name = name + side + std::to_string(queue);
    rte_ring* ring = rte_ring_create(ring_name.c_str(), length, SOCKET_ID_ANY, 0);
    must_be(ring != nullptr, "cannot make a ring");
    return ring;
  };
  for (unsigned i = 0; i < queues; i++) {
    receive_.push_back(make("-rx", i, kWireLength));
    transmit_.push_back(make("-tx", i, tx_length));
  }
  const int port = rte_eth_from_rings(name.c_str(), receive_.data(), queues, transmit_.data(),
                                      queues, SOCKET_ID_ANY);
  must_be(port >= 0, "cannot make a port of rings");
}

RingPort::~RingPort() {
  rte_vdev_uninit(device_name().c_str());
  for (rte_ring* ring : receive_) free_with_packets(ring);
  for (rte_ring* ring : transmit_) free_with_packets(ring);
}

void RingPort::put(rte_mempool* pool, const Frame& frame, unsigned queue, std::size_t segment) {
  must_be(rte_ring_enqueue(receive_[queue], chain_with(pool, frame, segment)) == 0,
          "the receive ring is full");
}

std::vector<Frame> RingPort::take_sent() {
  std::vector<Frame> frames;
  void* entry = nullptr;
  for (rte_ring* ring : transmit_) {
    while (rte_ring_dequeue(ring, &entry) == 0) {
      auto* packet = static_cast<rte_mbuf*>(entry);
      frames.push_back(bytes_of(packet));
      rte_pktmbuf_free(packet);
    }
  }
  return frames;
}

unsigned KernelRecorder::to_kernel(unsigned interface, rte_mbuf** packets, unsigned count) {
  if (frames_.size() <= interface) frames_.resize(interface + 1);
  auto& frames = frames_[interface];
  unsigned taken = 0;
  for (; taken < count && frames.size() < capacity; taken++) {
    frames.push_back(bytes_of(packets[taken]));
    rte_pktmbuf_free(packets[taken]);
  }
  return taken;
}

std::vector<Frame> KernelRecorder::take(unsigned interface) {
  if (frames_.size() <= interface) return {};
  return std::exchange(frames_[interface], {});
}

WorkerFixture::WorkerFixture(const Options& options)
    : options_(options),
      nat_buckets_(std::size_t{options.nat_planes} * GW_NAT_PLANE),
      published_(options.workers) {
  start_test_eal();
  flow_table_.emplace(must(FlowTableMemory::make(options.flows, options.workers)));
  pool_.emplace(must(BufferPool::make({options.interfaces, options.workers})));
  if (options.queues < options.workers) distributor_ = must(Distributor::make(options.workers));
  for (unsigned i = 0; i < options.interfaces; i++) {
    outboxes_.push_back(must(make_outbox(i)));
    wires_.push_back(std::make_unique<RingPort>(unused_name(), options.queues, options.tx_length));
    const Device device{Device::Bus::kVdev, wires_[i]->device_name(), ""};
    ports_.push_back(must(Port::open("if" + std::to_string(i), device, options.workers)));
    must(ports_[i]->start(pool_->get()));
  }
  for (unsigned i = 0; i < options.workers; i++) {
    workers_.push_back(std::make_unique<Worker>(setup(i)));
  }
}

Worker::Setup WorkerFixture::setup(unsigned worker) {
  Worker::Setup setup;
  setup.index = worker;
  for (unsigned i = 0; i < options_.interfaces; i++) {
    const Port& port = *ports_[i];
    const PortFacts facts{
        "", port.id(), port.rx_queues(), port.tx_queues(), port.has_rss(), port.longest_frame()};
    setup.interfaces.push_back(assign(facts, worker, options_.workers));
    setup.interfaces.back().outbox = &outboxes_[i];
  }
  setup.flow_table = flow_table_->view();
  setup.nat_table = nat_table();
  setup.backends = options_.backends;
  setup.services = options_.services;
  setup.pools = options_.pools;
  setup.published = &published_;
  setup.kernel = &kernel_;
  setup.distributor = distributor_.get();
  return setup;
}

unsigned WorkerFixture::free_buffers() const { return rte_mempool_avail_count(pool_->get()); }

void WorkerFixture::hide_buffers(unsigned left) {
  while (rte_mbuf* packet = rte_pktmbuf_alloc(pool_->get())) hidden_.push_back(packet);
  for (; left > 0; left--) {
    rte_pktmbuf_free(hidden_.back());
    hidden_.pop_back();
  }
}

void WorkerFixture::give_buffers_back() {
  for (rte_mbuf* packet : hidden_) rte_pktmbuf_free(packet);
  hidden_.clear();
}

void WorkerFixture::put_from_kernel(unsigned interface, const Frame& frame) {
  rte_mbuf* packet = buffer_with(pool_->get(), frame);
  must_be(outboxes_[interface].push(&packet, 1) == 1, "the outbox is full");
}

unsigned WorkerFixture::poll(std::uint32_t now_s) {
  unsigned handled = 0;
  for (auto& worker : workers_) handled += worker->poll_once(now_s);
  return handled;
}

void WorkerFixture::run_until_idle(std::uint32_t now_s) {
  while (poll(now_s) != 0) {
  }
}

gw_traffic WorkerFixture::backend_traffic(std::uint16_t id) const {
  std::vector<gw_traffic> sums(options_.backends);
  for (const auto& worker : workers_) worker->counters().add_backends_to(sums);
  return sums.at(id);
}

gw_traffic WorkerFixture::service_traffic(std::uint16_t id) const {
  std::vector<gw_traffic> sums(options_.services);
  for (const auto& worker : workers_) worker->counters().add_services_to(sums);
  return sums.at(id);
}

bool adds_up(const gw_counters& counters) {
  return counters.packets_in == std::accumulate(std::begin(counters.reasons),
                                                std::end(counters.reasons), std::uint64_t{0});
}

}  // namespace guideway::datapath::dpdk::testing
