// SPDX-License-Identifier: Apache-2.0
// PlainPollingForNetTap: keeps DPDK's net_tap driver from being driven by signals. The driver asks
// the kernel for a real-time signal to the process per received packet, and polls a queue only
// after one. A signal per packet interrupts every sleep of every thread, and when the kernel's
// queue of signals is full it sends SIGIO instead, which ends the process. When no real-time signal
// is free, the driver does without and reads its queues at each poll; so this takes them all while
// the device is made.
// Threading: control thread, while no other thread changes signal dispositions.
// Source: DPDK 22.11, drivers/net/tap/rte_eth_tap.c, tun_alloc().
#ifndef GUIDEWAY_DATAPATH_DPDK_TAP_DRIVER_H_
#define GUIDEWAY_DATAPATH_DPDK_TAP_DRIVER_H_

#include <vector>

namespace guideway::datapath::dpdk {

class PlainPollingForNetTap {
 public:
  PlainPollingForNetTap();
  ~PlainPollingForNetTap();
  PlainPollingForNetTap(const PlainPollingForNetTap&) = delete;
  PlainPollingForNetTap& operator=(const PlainPollingForNetTap&) = delete;

 private:
  std::vector<int> taken_;
};

}  // namespace guideway::datapath::dpdk

#endif  // GUIDEWAY_DATAPATH_DPDK_TAP_DRIVER_H_
