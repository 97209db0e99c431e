// SPDX-License-Identifier: Apache-2.0
#include "ports.h"

#include <rte_ethdev.h>

#include <algorithm>

#include "guideway/datapath/dpdk/eal.h"

namespace guideway::pktgen {
namespace {

namespace dpdk = datapath::dpdk;

constexpr unsigned kLargestMtu = 9000;
constexpr unsigned kDevices = 2;

std::string pci_address(const dpdk::Device& device) {
  return device.bus == dpdk::Device::Bus::kPci ? device.name : std::string();
}

Result<std::string> start_dpdk(const std::vector<dpdk::Device>& devices, const Options& options) {
  dpdk::EalOptions eal;
  eal.director = "guideway-pktgen";
  eal.worker_cpus = options.cpus;
  // The devices' MTU is known only after the start.
  eal.memory_mb = dpdk::memory_mb_for({.interfaces = kDevices, .largest_mtu = kLargestMtu});
  for (const dpdk::Device& device : devices) {
    if (const std::string pci = pci_address(device); !pci.empty()) {
      eal.pci_addresses.push_back(pci);
    }
  }
  auto memory = dpdk::start_eal(eal);
  if (!memory) return tl::unexpected(memory.error());
  return memory->description;
}

}  // namespace

Result<std::unique_ptr<Ports>> Ports::open(const Options& options) {
  std::unique_ptr<Ports> ports(new Ports);
  auto done = ports->open_devices(options).and_then([&] { return ports->start(); });
  if (!done) return tl::unexpected(done.error());
  return ports;
}

Result<void> Ports::open_devices(const Options& options) {
  std::vector<dpdk::Device> devices;
  for (const auto& text : {std::optional(options.device), options.sink}) {
    if (!text) continue;
    auto device = dpdk::parse_device(*text, *text);
    if (!device) return tl::unexpected(device.error());
    devices.push_back(*device);
  }
  auto memory = start_dpdk(devices, options);
  if (!memory) return tl::unexpected(memory.error());
  memory_ = *memory;
  auto source = dpdk::Port::open(options.device, devices.front(), 1);
  if (!source) return tl::unexpected(source.error());
  source_ = std::move(*source);
  if (devices.size() == 1) return {};
  auto sink = dpdk::Port::open(*options.sink, devices.back(), 1);
  if (!sink) return tl::unexpected(sink.error());
  sink_ = std::move(*sink);
  return {};
}

Result<void> Ports::start() {
  const unsigned largest_mtu = std::min(std::max(source_->mtu(), sink().mtu()), kLargestMtu);
  auto buffers = dpdk::BufferPool::make({.interfaces = kDevices, .largest_mtu = largest_mtu});
  if (!buffers) return tl::unexpected(buffers.error());
  buffers_ = std::move(*buffers);
  auto started = source_->start(buffers_->get());
  if (started && sink_) started = sink_->start(buffers_->get());
  if (!started) return started;
  // The sink plays all backends, so it takes frames for all MAC addresses. Drivers that refuse
  // have no filter.
  rte_eth_promiscuous_enable(sink().id());
  return {};
}

unsigned Ports::mtu() const { return std::min(source_->mtu(), kLargestMtu); }

}  // namespace guideway::pktgen
