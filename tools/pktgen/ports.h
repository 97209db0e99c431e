// SPDX-License-Identifier: Apache-2.0
// Ports: DPDK started, the sending and the receiving device opened, and the buffers for both.
// Threading: control thread; the device ids may be used by the threads that send and receive.
#ifndef GUIDEWAY_TOOLS_PKTGEN_PORTS_H_
#define GUIDEWAY_TOOLS_PKTGEN_PORTS_H_

#include <memory>
#include <optional>
#include <string>

#include "guideway/base/result.h"
#include "guideway/datapath/dpdk/buffer_pool.h"
#include "guideway/datapath/dpdk/port.h"
#include "options.h"

namespace guideway::pktgen {

class Ports {
 public:
  /// Opens what `options` name; nothing is sent yet, and the sink receives.
  static Result<std::unique_ptr<Ports>> open(const Options& options);

  const datapath::dpdk::Port& source() const { return *source_; }
  /// May be the same device.
  const datapath::dpdk::Port& sink() const { return sink_ ? *sink_ : *source_; }
  rte_mempool* buffers() const { return buffers_->get(); }
  /// The longest IP packet that the source can send.
  unsigned mtu() const;
  /// How DPDK got its memory.
  const std::string& memory() const { return memory_; }

 private:
  Ports() = default;
  Result<void> open_devices(const Options& options);
  Result<void> start();

  std::string memory_;
  // The ports' queues hold buffers, so they go first.
  std::optional<datapath::dpdk::BufferPool> buffers_;
  std::unique_ptr<datapath::dpdk::Port> source_;
  std::unique_ptr<datapath::dpdk::Port> sink_;
};

}  // namespace guideway::pktgen

#endif  // GUIDEWAY_TOOLS_PKTGEN_PORTS_H_
