// SPDX-License-Identifier: Apache-2.0
// What `guideway status` prints when no daemon answers, but XDP programs of one go on forwarding.
// Threading: no state.
#ifndef GUIDEWAY_CLI_ORPHAN_VIEW_H_
#define GUIDEWAY_CLI_ORPHAN_VIEW_H_

#include <string>
#include <vector>

#include "guideway/datapath/xdp/orphan.h"

namespace guideway::cli {

/// For people.
std::string orphan_view(const datapath::xdp::Orphan& orphan);
/// For programs: {"api":1,"running":false,"directors":[…]}.
std::string orphans_json(const std::vector<datapath::xdp::Orphan>& orphans);

}  // namespace guideway::cli

#endif  // GUIDEWAY_CLI_ORPHAN_VIEW_H_
