// SPDX-License-Identifier: Apache-2.0
// Which changes a running director cannot take: what sizes memory, touches devices or names a path.
// Threading: no state.
#ifndef GUIDEWAY_MODEL_RESTART_H_
#define GUIDEWAY_MODEL_RESTART_H_

#include <string>
#include <vector>

#include "guideway/model/model.h"

namespace guideway::model {

/// The keys that differ and need a restart, in the words of the configuration file:
/// "director.workers", "capacity.flows", "interface[0].device", or "interface" when their number
/// differs. Empty: `next` can be reloaded. Never shows a value.
std::vector<std::string> restart_keys_changed(const Model& running, const Model& next);

}  // namespace guideway::model

#endif  // GUIDEWAY_MODEL_RESTART_H_
