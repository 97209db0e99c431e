// SPDX-License-Identifier: Apache-2.0
// KernelPath: the way between the devices and the host's network stack. Each interface has a TAP
// "gw-<interface>" with the device's MAC address and MTU, and one thread moves frames:
//   worker -> ring -> thread -> TAP       and       TAP -> thread -> outbox -> worker 0 -> device.
// Every queue is bounded; what does not fit is dropped and counted.
// Threading: open(), stop(), traffic() on the control thread; to_kernel() on workers.
// Source: Documentation/networking/tuntap.rst of the Linux kernel.
#ifndef GUIDEWAY_DATAPATH_DPDK_KERNEL_PATH_H_
#define GUIDEWAY_DATAPATH_DPDK_KERNEL_PATH_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "guideway/base/address.h"
#include "guideway/base/result.h"
#include "guideway/datapath/datapath.h"
#include "guideway/datapath/dpdk/kernel_side.h"
#include "guideway/datapath/dpdk/ring.h"
#include "guideway/datapath/dpdk/tap.h"

struct rte_mempool;

namespace guideway::datapath::dpdk {

class KernelPath : public KernelSide {
 public:
  struct Interface {
    std::string name;  // "wan"
    Mac mac;
    unsigned mtu = 1500;
    /// Frames from the host; worker 0 sends them.
    Ring* outbox = nullptr;
  };

  /// Packets of one interface that may wait for the thread.
  static constexpr unsigned kQueueLength = 1024;

  /// Makes the TAPs and starts the thread; frames from the host go to buffers of `pool`.
  static Result<std::unique_ptr<KernelPath>> open(const std::vector<Interface>& interfaces,
                                                  rte_mempool* pool);
  ~KernelPath() override;

  unsigned to_kernel(unsigned interface, rte_mbuf** packets, unsigned count) override;

  KernelTraffic traffic(unsigned interface) const;

  /// Ends the thread and removes the TAPs. REQUIRES: no worker runs any more. Idempotent.
  void stop();

  /// "gw-wan".
  static std::string tap_name(const std::string& interface) { return "gw-" + interface; }

 private:
  /// One interface.
  struct Lane {
    Lane(Tap&& its_tap, Ring&& its_ring, Ring* its_outbox, unsigned longest)
        : tap(std::move(its_tap)),
          to_kernel(std::move(its_ring)),
          outbox(its_outbox),
          longest_frame(longest) {}

    Tap tap;
    Ring to_kernel;
    Ring* outbox;
    const unsigned longest_frame;
    // Of the thread alone.
    bool broken = false;     // somebody has deleted the TAP
    bool held_back = false;  // no room in the outbox, or no buffer
    // Written by the thread. What did not fit into to_kernel is in the workers' counters.
    std::atomic<std::uint64_t> delivered{0};
    std::atomic<std::uint64_t> refused{0};
    std::atomic<std::uint64_t> taken{0};
    std::atomic<std::uint64_t> dropped{0};
  };

  KernelPath() = default;
  void run();
  bool move_frames();
  unsigned write_to_tap(Lane& lane);
  unsigned read_from_tap(Lane& lane);
  bool read_frame(Lane& lane);
  void sleep_until_work();
  bool rings_are_empty() const;
  void wake();

  rte_mempool* pool_ = nullptr;
  std::vector<std::unique_ptr<Lane>> lanes_;
  FileDescriptor wake_;
  std::atomic<bool> asleep_{false};
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace guideway::datapath::dpdk

#endif  // GUIDEWAY_DATAPATH_DPDK_KERNEL_PATH_H_
