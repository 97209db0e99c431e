// SPDX-License-Identifier: Apache-2.0
// XdpDatapath: the XDP program alone forwards. This header knows no bpf/* type.
// Threading: as Datapath says.
#ifndef GUIDEWAY_DATAPATH_XDP_XDP_DATAPATH_H_
#define GUIDEWAY_DATAPATH_XDP_XDP_DATAPATH_H_

#include <memory>

#include "guideway/base/result.h"
#include "guideway/datapath/datapath.h"
#include "guideway/datapath/xdp/kernel_part.h"

namespace guideway::datapath::xdp {

/// Loads and attaches. Until the first publish() every packet goes to the kernel, or, where an
/// earlier daemon's program is in place, as that one says. Errors: a sentence for the operator.
Result<std::unique_ptr<Datapath>> start_xdp(const KernelOptions& options);

}  // namespace guideway::datapath::xdp

#endif  // GUIDEWAY_DATAPATH_XDP_XDP_DATAPATH_H_
