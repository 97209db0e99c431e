// SPDX-License-Identifier: Apache-2.0
#include "guideway/datapath/afxdp/afxdp_datapath.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "guideway/base/clock.h"
#include "guideway/datapath/dpdk/dpdk_datapath.h"
#include "guideway/datapath/dpdk/eal.h"
#include "guideway/datapath/dpdk/plan.h"

namespace guideway::datapath::afxdp {
namespace {

/// What a buffer of the sockets' memory holds beside a frame leaves no room for more.
constexpr unsigned kLargestMtu = 3498;
/// Workers poll at least every millisecond; a busy machine may take longer.
constexpr std::chrono::milliseconds kFirstPoll{200};
constexpr std::chrono::microseconds kLookAgain{100};

class AfxdpDatapath : public Datapath {
 public:
  AfxdpDatapath(std::unique_ptr<xdp::KernelPart> kernel,
                std::unique_ptr<dpdk::DpdkDatapath> workers, std::string distribution)
      : kernel_(std::move(kernel)),
        workers_(std::move(workers)),
        distribution_(std::move(distribution)) {}

  const std::optional<KeptFlows>& adopted() const override { return kernel_->adopted(); }
  Result<void> prepare(const compile::ForwardingStatePtr& state) override {
    return kernel_->prepare(state);
  }
  void publish(compile::ForwardingStatePtr state) override {
    workers_->publish_tables(kernel_->publish(state));
    if (!std::exchange(published_, true)) await_workers(state->generation());
    kernel_->switch_over();
  }
  bool grace_passed(std::uint64_t generation) const override {
    return workers_->grace_passed(generation) && kernel_->grace_passed(generation);
  }
  void reclaim() override {
    workers_->reclaim();  // workers give tables back first
    kernel_->reclaim();
  }
  FlowTableView flow_table() override { return kernel_->flow_table(); }
  NatTableView nat_table() override { return kernel_->nat_table(); }
  compile::NatIds nat_ids() override { return kernel_->nat_ids(); }
  std::uint32_t now_s() const override { return base::coarse_now_s(); }
  void forget_backend_traffic(std::uint16_t id) override {
    workers_->forget_backend_traffic(id);
    kernel_->counters().forget_backend(id);
  }
  void forget_service_traffic(std::uint16_t id) override {
    workers_->forget_service_traffic(id);
    kernel_->counters().forget_service(id);
  }
  std::vector<std::span<gw_traffic>> backend_rows() override {
    auto rows = workers_->backend_rows();
    for (const auto row : kernel_->counters().backend_rows()) rows.push_back(row);
    return rows;
  }
  DatapathStatus status() const override;
  bool forwards_without_daemon() const override { return true; }
  void stop(End end) override {
    workers_->stop(end);
    kernel_->stop(end);
  }

 private:
  void await_workers(std::uint64_t generation);

  std::unique_ptr<xdp::KernelPart> kernel_;
  std::unique_ptr<dpdk::DpdkDatapath> workers_;
  const std::string distribution_;
  bool published_ = false;
};

/// Only once every worker has the tables: a packet that met one without would be lost. Once, at the
/// start, and for as long as a poll takes.
void AfxdpDatapath::await_workers(std::uint64_t generation) {
  const auto deadline = std::chrono::steady_clock::now() + kFirstPoll;
  while (!workers_->grace_passed(generation) && std::chrono::steady_clock::now() < deadline)
    std::this_thread::sleep_for(kLookAgain);
}

DatapathStatus AfxdpDatapath::status() const {
  DatapathStatus status = workers_->status();
  status.kind = "afxdp";
  status.distribution = distribution_;
  status.interfaces = kernel_->interface_status();
  for (WorkerStatus& row : kernel_->counters().rows()) status.workers.push_back(row);
  kernel_->counters().add_backends_to(status.backends);
  kernel_->counters().add_services_to(status.services);
  return status;
}

/// DPDK 22.11's driver takes one queue per device here, and must not be told of a program: it then
/// finds ours attached and only adds its socket.
std::string device_of(const std::string& kernel_device, std::size_t interface, unsigned queue) {
  return "vdev:net_af_xdp" + std::to_string(interface) + "q" + std::to_string(queue) +
         ",iface=" + kernel_device + ",start_queue=" + std::to_string(queue) +
         ",queue_count=1,busy_budget=0";
}

Result<void> check_mtu(const xdp::KernelPart& kernel) {
  for (const InterfaceStatus& interface : kernel.interface_status()) {
    if (interface.mtu <= kLargestMtu) continue;
    return base::fail("interface " + interface.name + ": an MTU of " +
                      std::to_string(interface.mtu) + " is too large for AF_XDP sockets (at most " +
                      std::to_string(kLargestMtu) + "); lower it, or use datapath = \"xdp\"");
  }
  return {};
}

/// CPUs of the workers: no more than the smallest interface has queues.
Result<std::vector<unsigned>> choose_workers(const Options& options,
                                             const xdp::KernelPart& kernel) {
  auto cpus =
      dpdk::choose_cpus(options.worker_cpus, dpdk::allowed_cpus(), dpdk::kMaxAutomaticWorkers);
  if (!cpus) return cpus;
  for (const InterfaceStatus& interface : kernel.interface_status()) {
    const std::string set = "`ethtool -L " + interface.device + " combined N` changes that";
    if (interface.rx_queues < cpus->size()) {
      spdlog::warn("interface {} has {} queue(s), so only that many of {} workers run; {}",
                   interface.name, interface.rx_queues, cpus->size(), set);
      cpus->resize(interface.rx_queues);
    } else if (interface.rx_queues > cpus->size()) {
      spdlog::warn(
          "interface {} has {} queues and {} worker(s): the XDP program itself balances "
          "what comes by the others; {}",
          interface.name, interface.rx_queues, cpus->size(), set);
    }
  }
  return cpus;
}

Result<std::unique_ptr<dpdk::DpdkDatapath>> start_workers(const Options& options,
                                                          const std::vector<unsigned>& cpus,
                                                          const xdp::KernelPart& kernel) {
  dpdk::Options workers;
  workers.director = options.kernel.director;
  workers.worker_cpus = cpus;
  workers.idle = options.idle;
  workers.kernel_side = dpdk::KernelSideKind::kNone;
  workers.backends = options.kernel.backends;
  workers.services = options.kernel.services;
  workers.pools = options.kernel.pools;
  workers.eal_arguments = options.eal_arguments;
  workers.beside = dpdk::Beside{kernel.flow_table(), kernel.nat_table(), kernel.heartbeats(), {}};
  for (std::size_t i = 0; i < options.kernel.interfaces.size(); i++) {
    const xdp::KernelInterface& interface = options.kernel.interfaces[i];
    workers.interfaces.push_back({interface.name, interface.device});
    workers.beside->devices.emplace_back();
    for (unsigned queue = 0; queue < cpus.size(); queue++)
      workers.beside->devices.back().push_back(device_of(interface.device, i, queue));
  }
  return dpdk::DpdkDatapath::start(workers);
}

}  // namespace

Result<std::unique_ptr<Datapath>> start_afxdp(const Options& options) {
  xdp::KernelOptions kernel_options = options.kernel;
  kernel_options.hand_over = true;
  auto kernel = xdp::KernelPart::open(kernel_options);
  if (!kernel) return tl::unexpected(kernel.error());
  auto ready = check_mtu(**kernel).and_then([&] { return choose_workers(options, **kernel); });
  // The sockets join the program that is attached when they are made.
  if (ready) {
    if (auto attached = (*kernel)->attach(); !attached) ready = tl::unexpected(attached.error());
  }
  if (!ready) return tl::unexpected(ready.error());
  auto workers = start_workers(options, *ready, **kernel);
  if (!workers) return tl::unexpected(workers.error());
  std::string distribution = "queue N of each interface goes to worker N";
  return std::make_unique<AfxdpDatapath>(std::move(*kernel), std::move(*workers),
                                         std::move(distribution));
}

}  // namespace guideway::datapath::afxdp
