// SPDX-License-Identifier: Apache-2.0
// Attachment: our program on one network device, through a pinned bpf_link, so that it stays when
// the daemon goes, and is replaced in one step.
// Threading: control thread.
// Source: Documentation/bpf/libbpf of the Linux kernel; linux/bpf.h on BPF_LINK_UPDATE.
#ifndef GUIDEWAY_DATAPATH_XDP_ATTACHMENT_H_
#define GUIDEWAY_DATAPATH_XDP_ATTACHMENT_H_

#include <cstdint>
#include <string>
#include <utility>

#include "guideway/base/file_descriptor.h"
#include "guideway/base/result.h"
#include "guideway/datapath/xdp/host_interface.h"
#include "guideway/datapath/xdp/pin_dir.h"

namespace guideway::datapath::xdp {

class Attachment {
 public:
  /// What `device`'s link is pinned as.
  static std::string pin_name(const std::string& device) { return "link-" + device; }

  /// Looks, and changes nothing: finds the link that an earlier daemon has left, if one still holds
  /// the device. Errors: another program is attached, unless `displace` is set: then put() takes
  /// that one off.
  static Result<Attachment> find(const PinDir& pins, const std::string& device,
                                 const HostInterface& facts, bool displace);

  /// A link of ours was found; its program is another daemon's until put().
  bool adopted() const { return adopted_program_ != 0; }
  /// Its id; 0: none.
  std::uint32_t adopted_program() const { return adopted_program_; }
  /// Puts `program` on the device: in one step in place of the adopted one; else anew, in native
  /// mode if the driver has it, in generic mode if not. Then pins the link.
  Result<void> put(const PinDir& pins, int program);

  /// "native" or "generic: why".
  const std::string& mode() const { return mode_; }

  /// Takes off what put() has attached; the pins stay as they are.
  void let_go();
  /// Takes the program off.
  void detach(const PinDir& pins);

 private:
  Attachment(std::string device, int index) : device_(std::move(device)), index_(index) {}
  Result<void> displace();
  Result<void> attach(int program);

  std::string device_;
  int index_ = 0;
  base::FileDescriptor link_;
  std::uint32_t adopted_program_ = 0;
  bool displaces_ = false;
  std::string mode_;
};

}  // namespace guideway::datapath::xdp

#endif  // GUIDEWAY_DATAPATH_XDP_ATTACHMENT_H_
