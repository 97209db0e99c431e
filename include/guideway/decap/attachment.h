// SPDX-License-Identifier: Apache-2.0
// The decapsulator on a device: put there, changed in one step, looked at, taken away.
// One pin, <pin folder>/link, holds all of it: the link holds the program, the program its maps.
// Threading: one thread, in the device's network namespace.
#ifndef GUIDEWAY_DECAP_ATTACHMENT_H_
#define GUIDEWAY_DECAP_ATTACHMENT_H_

#include <cstdint>
#include <optional>
#include <string>

#include "guideway/base/result.h"
#include "guideway/decap/program.h"
#include "guideway/decap/settings.h"

namespace guideway::decap {

/// Where a device's decapsulator is pinned when nothing else is said.
inline constexpr const char* kPinRoot = "/run/guideway/decap";

struct Place {
  std::string device;
  /// In a BPF file system; one folder a device, also over network namespaces.
  std::string pin_folder;
};

enum class Mode {
  kAuto,     // native, else generic
  kNative,   // in the driver
  kGeneric,  // in the stack, for any device
};
const char* to_string(Mode mode);

struct Attached {
  Mode mode = Mode::kNative;
  /// A program of ours was there: it was replaced in one step, and its counters go on.
  bool replaced = false;
  /// Why not native, when that was wished; one sentence.
  std::string remark;
};

/// Attaches, or replaces what an earlier attach() left there: no packet sees a half of the new
/// settings, nor neither program. A foreign program is never displaced.
Result<Attached> attach(const Place& place, const Settings& settings, Mode mode);

/// False if there was nothing to detach. A foreign program is left alone, with an error.
Result<bool> detach(const Place& place);

struct Status {
  Mode mode = Mode::kNative;
  std::uint32_t program_id = 0;
  Settings settings;
  Packets packets;
};

/// Nothing if the device has no XDP program.
Result<std::optional<Status>> status(const Place& place);

}  // namespace guideway::decap

#endif  // GUIDEWAY_DECAP_ATTACHMENT_H_
