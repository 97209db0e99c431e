// SPDX-License-Identifier: Apache-2.0
// The "afxdp" datapath: our XDP program on kernel interfaces, and DPDK workers on AF_XDP sockets
// behind it. The program passes to the kernel what is not for a service, hands the rest to the
// worker of its queue, and balances it itself when no live worker serves that queue. Program and
// workers share forwarding tables and flow table, so a flow does not notice which of them it met.
// This header knows neither rte_* nor bpf/* types.
// Threading: as Datapath says.
#ifndef GUIDEWAY_DATAPATH_AFXDP_AFXDP_DATAPATH_H_
#define GUIDEWAY_DATAPATH_AFXDP_AFXDP_DATAPATH_H_

#include <memory>
#include <string>
#include <vector>

#include "guideway/base/result.h"
#include "guideway/datapath/datapath.h"
#include "guideway/datapath/dpdk/idle.h"
#include "guideway/datapath/xdp/kernel_part.h"

namespace guideway::datapath::afxdp {

struct Options {
  xdp::KernelOptions kernel;
  std::vector<unsigned> worker_cpus;
  dpdk::Idle idle = dpdk::Idle::kAdaptive;
  std::vector<std::string> eal_arguments;
};

/// Errors: a sentence for the operator. What an earlier daemon's program does goes on then.
Result<std::unique_ptr<Datapath>> start_afxdp(const Options& options);

}  // namespace guideway::datapath::afxdp

#endif  // GUIDEWAY_DATAPATH_AFXDP_AFXDP_DATAPATH_H_
