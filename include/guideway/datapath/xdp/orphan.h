// SPDX-License-Identifier: Apache-2.0
// Orphans: directors whose daemon does not run while their XDP programs go on forwarding. What
// people can be told of them is read from their pins.
// Threading: values. Needs root.
#ifndef GUIDEWAY_DATAPATH_XDP_ORPHAN_H_
#define GUIDEWAY_DATAPATH_XDP_ORPHAN_H_

#include <cstdint>
#include <string>
#include <vector>

#include "guideway/base/result.h"
#include "guideway/core/layout.h"

namespace guideway::datapath::xdp {

struct OrphanBackend {
  std::string name;  // "web/b1"
  std::string address;
  bool removed = false;
  gw_traffic traffic{};
};

struct Orphan {
  std::string director;
  std::vector<std::string> devices;
  std::uint64_t generation = 0;
  /// Since the daemon was last seen.
  std::uint64_t alone_s = 0;
  /// What the program counted since that daemon started, over all CPUs.
  gw_counters counters{};
  std::vector<OrphanBackend> backends;
};

/// A director whose daemon has its pin directory and was seen less than so long ago is taken to
/// run; one that has it and was not seen hangs.
inline constexpr std::uint64_t kAliveWithin_s = 2;

/// All that have pins in `pin_dir` and no daemon. Errors: the directory cannot be read. One whose
/// pins cannot be understood is left out, and `problems` says why.
Result<std::vector<Orphan>> find_orphans(const std::string& pin_dir,
                                         std::vector<std::string>& problems);

}  // namespace guideway::datapath::xdp

#endif  // GUIDEWAY_DATAPATH_XDP_ORPHAN_H_
