// SPDX-License-Identifier: Apache-2.0
#include "datapaths.h"

#include <spdlog/spdlog.h>

#include "guideway/datapath/afxdp/afxdp_datapath.h"
#include "guideway/datapath/dpdk/dpdk_datapath.h"
#include "guideway/datapath/file_store.h"
#include "guideway/datapath/xdp/xdp_datapath.h"
#include "guideway/netlink/default_route.h"

namespace guideway::app {
namespace {

using datapath::Datapath;
using DatapathResult = Result<std::unique_ptr<Datapath>>;

datapath::dpdk::Idle idle_of(const model::Model& model) {
  return model.director.idle == model::IdlePolicy::kPoll ? datapath::dpdk::Idle::kPoll
                                                         : datapath::dpdk::Idle::kAdaptive;
}

/// A worker would take every packet of that interface, those of the operator's own session, too.
Result<void> leave_default_route(const model::Interface& interface) {
  if (interface.take_default_route) return {};
  const auto carrier = netlink::default_route_of(interface.device);
  if (!carrier) return tl::unexpected(carrier.error());
  if (!*carrier) return {};
  return base::fail("interface " + interface.name + ": " + interface.device + " takes " +
                    **carrier +
                    " away from the kernel, and that carries this host's default route: name "
                    "another device, take datapath \"afxdp\" or \"xdp\" with device = \"" +
                    **carrier + "\", or set take_default_route = true for this interface");
}

DatapathResult start_dpdk(const model::Model& model, const model::HashSeed& seed) {
  for (const auto& interface : model.interfaces)
    if (auto left = leave_default_route(interface); !left) return tl::unexpected(left.error());
  datapath::dpdk::Options options;
  options.director = model.director.name;
  for (const auto& interface : model.interfaces)
    options.interfaces.push_back({interface.name, interface.device});
  options.worker_cpus = model.director.worker_cpus;
  options.idle = idle_of(model);
  options.flows = model.capacity.flows;
  options.backends = model.capacity.backends;
  options.services = model.capacity.services;
  options.pools = model.capacity.pools;
  options.nat_addresses = model::nat_capacity_of(model);
  options.eal_arguments = model.director.eal_arguments;
  options.flow_dir = model.director.flow_dir;
  options.hash_seed = seed;
  return datapath::dpdk::DpdkDatapath::start(options);
}

datapath::xdp::KernelOptions kernel_options(const model::Model& model,
                                            const model::HashSeed& seed) {
  datapath::xdp::KernelOptions options;
  options.director = model.director.name;
  options.pin_dir = model.director.pin_dir;
  for (const auto& interface : model.interfaces)
    options.interfaces.push_back({interface.name, interface.device, interface.replace_program});
  options.services = model.capacity.services;
  options.pools = model.capacity.pools;
  options.slots = model.capacity.slots;
  options.backends = model.capacity.backends;
  options.flows = model.capacity.flows;
  options.nat_addresses = model::nat_capacity_of(model);
  options.hash_seed = seed;
  return options;
}

DatapathResult start_afxdp(const model::Model& model, const model::HashSeed& seed) {
  return datapath::afxdp::start_afxdp({kernel_options(model, seed), model.director.worker_cpus,
                                       idle_of(model), model.director.eal_arguments});
}

DatapathResult start_auto(const model::Model& model, const model::HashSeed& seed) {
  if (!model::is_kernel_device(model.interfaces.front().device)) return start_dpdk(model, seed);
  spdlog::info("datapath auto: not dpdk, because {} is a kernel interface",
               model.interfaces.front().device);
  auto started = start_afxdp(model, seed);
  if (started) return started;
  spdlog::warn("datapath auto: not afxdp: {}", started.error().message);
  return datapath::xdp::start_xdp(kernel_options(model, seed));
}

}  // namespace

DatapathResult start_datapath(const model::Model& model, const model::HashSeed& seed) {
  switch (model.director.datapath) {
    case model::DatapathKind::kDpdk:
      return start_dpdk(model, seed);
    case model::DatapathKind::kAfxdp:
      return start_afxdp(model, seed);
    case model::DatapathKind::kXdp:
      return datapath::xdp::start_xdp(kernel_options(model, seed));
    case model::DatapathKind::kAuto:
      break;
  }
  return start_auto(model, seed);
}

Result<bool> detach_datapath(const model::Director& director) {
  const auto had_pins = datapath::xdp::detach(director.pin_dir, director.name);
  if (!had_pins) return had_pins;
  return datapath::FileStore::remove_director(director.flow_dir, director.name) || *had_pins;
}

}  // namespace guideway::app
