// SPDX-License-Identifier: Apache-2.0
#include "guideway/datapath/dpdk/port.h"

#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_ethdev.h>

#include <algorithm>
#include <cstring>

#include "guideway/datapath/dpdk/dpdk_log.h"
#include "guideway/datapath/dpdk/tap_driver.h"

namespace guideway::datapath::dpdk {
namespace {

const char* bus_name(const Device& device) {
  return device.bus == Device::Bus::kPci ? "pci" : "vdev";
}

bool has_port(const Device& device, std::uint16_t* id) {
  return rte_eth_dev_get_port_by_name(device.name.c_str(), id) == 0;
}

/// What to do when DPDK has no use for a device.
std::string advice_for(const Device& device) {
  if (device.bus == Device::Bus::kVdev) {
    return "check its name and arguments, and that this process may make it (root or "
           "CAP_NET_ADMIN)";
  }
  const std::string driver = kernel_driver_of(device);
  return "its kernel driver is " + (driver.empty() ? "missing" : driver) +
         "; bind it to vfio-pci with `dpdk-devbind.py --bind=vfio-pci " + device.name + "`";
}

tl::unexpected<Error> with_reason(const Error& error, const DpdkComplaints& complaints) {
  return base::fail(error.message + " (DPDK says: " + complaints.first() + ")");
}

}  // namespace

Result<std::unique_ptr<Port>> Port::open(const std::string& interface, const Device& device,
                                         unsigned workers) {
  std::unique_ptr<Port> port(new Port);
  port->interface_ = interface;
  port->device_ = device;
  const DpdkComplaints complaints;
  auto done = port->find_or_plug().and_then([&] { return port->read_properties(workers); });
  if (!done) return with_reason(done.error(), complaints);
  return port;
}

Port::~Port() {
  if (attached_) {
    rte_eth_dev_stop(id_);
    rte_eth_dev_close(id_);
  }
  if (plugged_) rte_eal_hotplug_remove(bus_name(device_), device_.name.c_str());
}

tl::unexpected<Error> Port::failed(const std::string& what, int error_number) const {
  return base::fail_errno("interface " + interface_ + ": " + what, error_number);
}

/// A device that an EAL argument or a test made already is used as it is.
Result<void> Port::find_or_plug() {
  if (has_port(device_, &id_)) {
    attached_ = true;
    return {};
  }
  const PlainPollingForNetTap plain_polling;
  const int error =
      rte_eal_hotplug_add(bus_name(device_), device_.name.c_str(), device_.arguments.c_str());
  plugged_ = error == 0;
  if (error != 0 || !has_port(device_, &id_)) {
    return failed("DPDK cannot use " + device_.name + "; " + advice_for(device_), -error);
  }
  attached_ = true;
  return {};
}

Result<void> Port::read_properties(unsigned workers) {
  rte_eth_dev_info info{};
  if (int error = rte_eth_dev_info_get(id_, &info)) {
    return failed("cannot read the device's properties", -error);
  }
  driver_ = info.driver_name;
  rx_queues_ = info.max_rx_queues >= workers ? workers : 1;
  tx_queues_ = info.max_tx_queues >= workers ? workers : 1;
  constexpr std::uint64_t kWanted = RTE_ETH_RSS_IP | RTE_ETH_RSS_TCP | RTE_ETH_RSS_UDP;
  rss_types_ = info.flow_type_rss_offloads & kWanted;
  if (int error = rte_eth_dev_get_mtu(id_, &mtu_)) return failed("cannot read the MTU", -error);
  rte_ether_addr mac{};
  rte_eth_macaddr_get(id_, &mac);
  std::memcpy(mac_.bytes.data(), mac.addr_bytes, mac_.bytes.size());
  return {};
}

Result<void> Port::start(rte_mempool* pool) {
  const DpdkComplaints complaints;
  auto done = configure().and_then([&] { return set_up_queues(pool); }).and_then([&] {
    return start_device();
  });
  if (!done) return with_reason(done.error(), complaints);
  return {};
}

Result<void> Port::configure() {
  rte_eth_conf conf{};
  conf.rxmode.mtu = mtu_;
  if (rx_queues_ > 1 && rss_types_ != 0) {
    conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
    conf.rx_adv_conf.rss_conf.rss_hf = rss_types_;
  }
  int error = rte_eth_dev_configure(id_, static_cast<std::uint16_t>(rx_queues_),
                                    static_cast<std::uint16_t>(tx_queues_), &conf);
  if (error != 0) {
    return failed("cannot configure " + std::to_string(rx_queues_) + " queues", -error);
  }
  return {};
}

Result<void> Port::set_up_queues(rte_mempool* pool) {
  std::uint16_t rx_length = kRxDescriptors;
  std::uint16_t tx_length = kTxDescriptors;
  if (int error = rte_eth_dev_adjust_nb_rx_tx_desc(id_, &rx_length, &tx_length)) {
    return failed("cannot choose the queues' length", -error);
  }
  const PlainPollingForNetTap plain_polling;
  const auto node = static_cast<unsigned>(rte_eth_dev_socket_id(id_));
  for (unsigned i = 0; i < rx_queues_; i++) {
    auto queue = static_cast<std::uint16_t>(i);
    if (int error = rte_eth_rx_queue_setup(id_, queue, rx_length, node, nullptr, pool)) {
      return failed("cannot set up receive queue " + std::to_string(i), -error);
    }
  }
  for (unsigned i = 0; i < tx_queues_; i++) {
    auto queue = static_cast<std::uint16_t>(i);
    if (int error = rte_eth_tx_queue_setup(id_, queue, tx_length, node, nullptr)) {
      return failed("cannot set up transmit queue " + std::to_string(i), -error);
    }
  }
  return {};
}

Result<void> Port::start_device() {
  if (int error = rte_eth_dev_start(id_)) return failed("the device does not start", -error);
  // Drivers without filters refuse; they deliver everything anyway.
  rte_eth_promiscuous_disable(id_);
  rte_eth_allmulticast_enable(id_);  // neighbour discovery of the host
  return {};
}

bool Port::link_up() const {
  // net_tap asks for its kernel side by name in this network namespace; it may be in another one.
  if (driver_ == "net_tap") return true;
  rte_eth_link link{};
  return rte_eth_link_get_nowait(id_, &link) == 0 && link.link_status == RTE_ETH_LINK_UP;
}

}  // namespace guideway::datapath::dpdk
