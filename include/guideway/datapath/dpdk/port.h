// SPDX-License-Identifier: Apache-2.0
// Port: one device that DPDK drives, found or made, configured, started, and given back at the end.
// Threading: control thread; workers use the port id and their own queues only.
#ifndef GUIDEWAY_DATAPATH_DPDK_PORT_H_
#define GUIDEWAY_DATAPATH_DPDK_PORT_H_

#include <cstdint>
#include <memory>
#include <string>

#include "guideway/base/address.h"
#include "guideway/base/result.h"
#include "guideway/datapath/dpdk/device.h"

struct rte_mempool;

namespace guideway::datapath::dpdk {

class Port {
 public:
  static constexpr std::uint16_t kRxDescriptors = 1024;
  static constexpr std::uint16_t kTxDescriptors = 1024;
  /// Ethernet header and two VLAN tags: as much as net_tap allows beside the MTU.
  static constexpr unsigned kLongestLinkHeader = 22;

  /// Finds the device or makes it, and decides the number of queues: one per worker and direction
  /// where the device has as many, else one.
  static Result<std::unique_ptr<Port>> open(const std::string& interface, const Device& device,
                                            unsigned workers);
  /// Stops and closes the device, and removes what open() made.
  ~Port();
  Port(const Port&) = delete;
  Port& operator=(const Port&) = delete;

  /// Sets up queues (received frames go to buffers of `pool`) and starts the device.
  Result<void> start(rte_mempool* pool);

  std::uint16_t id() const { return id_; }
  unsigned rx_queues() const { return rx_queues_; }
  unsigned tx_queues() const { return tx_queues_; }
  /// The device spreads flows over its queues by a hash of its own.
  bool has_rss() const { return rss_types_ != 0; }
  const std::string& driver() const { return driver_; }
  Mac mac() const { return mac_; }
  /// IP bytes.
  unsigned mtu() const { return mtu_; }
  /// Bytes that the device can send as one frame.
  unsigned longest_frame() const { return mtu_ + kLongestLinkHeader; }
  bool link_up() const;

 private:
  Port() = default;
  Result<void> find_or_plug();
  Result<void> read_properties(unsigned workers);
  Result<void> configure();
  Result<void> set_up_queues(rte_mempool* pool);
  Result<void> start_device();
  tl::unexpected<Error> failed(const std::string& what, int error_number) const;

  std::string interface_;
  Device device_;
  bool plugged_ = false;
  bool attached_ = false;
  std::uint16_t id_ = 0;
  unsigned rx_queues_ = 1;
  unsigned tx_queues_ = 1;
  std::uint64_t rss_types_ = 0;
  std::string driver_;
  Mac mac_;
  std::uint16_t mtu_ = 1500;
};

}  // namespace guideway::datapath::dpdk

#endif  // GUIDEWAY_DATAPATH_DPDK_PORT_H_
