// SPDX-License-Identifier: Apache-2.0
// Which datapath moves the packets of a configuration.
// Threading: start-up and stopping.
#ifndef GUIDEWAY_APP_DATAPATHS_H_
#define GUIDEWAY_APP_DATAPATHS_H_

#include <memory>

#include "guideway/base/result.h"
#include "guideway/datapath/datapath.h"
#include "guideway/model/model.h"

namespace guideway::app {

/// Starts the one that the configuration names. For "auto": "dpdk" for PCI and virtual devices; for
/// kernel interfaces "afxdp", else "xdp"; the log says in a line why an earlier one could not.
/// `seed`: for a flow table that starts empty.
Result<std::unique_ptr<datapath::Datapath>> start_datapath(const model::Model& model,
                                                           const model::HashSeed& seed);

/// Takes off the kernel programs, and removes the flow tables, of a director that is not running.
/// Returns whether there was anything. Errors: what could not be taken off; it stays.
Result<bool> detach_datapath(const model::Director& director);

}  // namespace guideway::app

#endif  // GUIDEWAY_APP_DATAPATHS_H_
