// SPDX-License-Identifier: Apache-2.0
// What the kernel has loaded: the XDP program on a device, the link that holds it, a program's
// maps. Threading: no state.
#ifndef GUIDEWAY_BPF_LOADED_H_
#define GUIDEWAY_BPF_LOADED_H_

#include <linux/bpf.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "guideway/base/file_descriptor.h"
#include "guideway/base/result.h"

namespace guideway::bpf {

/// Above this MTU many drivers have no native XDP: a page of the kernel's, less headroom and the
/// structure at its end. IP bytes; veth's limit exactly.
inline constexpr unsigned kUsualNativeMtu = 3498;

/// The XDP program that a device runs.
struct DeviceProgram {
  std::uint32_t id = 0;  // 0: none
  bool generic = false;
  std::string name;  // "" if it cannot be looked at
};
Result<DeviceProgram> program_on(int interface_index);

struct XdpLink {
  std::uint32_t program_id = 0;
  std::uint32_t interface_index = 0;  // 0: its device is gone
};
/// Nothing if `object` (anything that was pinned) is no link of an XDP program.
std::optional<XdpLink> xdp_link(int object);

struct OpenMap {
  base::FileDescriptor fd;
  bpf_map_info info{};
};
/// By the name that the kernel keeps: the first 15 characters.
using OpenMaps = std::map<std::string, OpenMap>;
Result<OpenMaps> maps_of(int program);

}  // namespace guideway::bpf

#endif  // GUIDEWAY_BPF_LOADED_H_
