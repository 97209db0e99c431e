// SPDX-License-Identifier: Apache-2.0
#include "guideway/datapath/xdp/attachment.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>
#include <spdlog/spdlog.h>

#include <cerrno>
#include <optional>

#include "guideway/bpf/kernel.h"
#include "guideway/bpf/libbpf_log.h"
#include "guideway/bpf/loaded.h"

namespace guideway::datapath::xdp {
namespace {

/// The bpf_link that holds the program, if one does.
base::FileDescriptor link_of(std::uint32_t program_id, int index) {
  std::uint32_t id = 0;
  while (bpf_link_get_next_id(id, &id) == 0) {
    base::FileDescriptor link(bpf_link_get_fd_by_id(id));
    const auto facts = link ? bpf::xdp_link(link.get()) : std::nullopt;
    if (facts && facts->program_id == program_id &&
        facts->interface_index == static_cast<unsigned>(index))
      return link;
  }
  return {};
}

Result<void> take_off(const bpf::DeviceProgram& program, int index, const std::string& device) {
  const bpf::LibbpfLog quiet;
  const base::FileDescriptor link = link_of(program.id, index);
  const std::uint32_t mode = program.generic ? XDP_FLAGS_SKB_MODE : XDP_FLAGS_DRV_MODE;
  const int error = link ? bpf_link_detach(link.get()) : bpf_xdp_detach(index, mode, nullptr);
  if (error != 0)
    return base::fail_errno("cannot take the XDP program off " + device,
                            error < 0 ? -error : errno);
  return {};
}

std::string describe(const bpf::DeviceProgram& program) {
  return (program.name.empty() ? "one without a name" : program.name) + " (id " +
         std::to_string(program.id) + ")";
}

/// A link of an earlier daemon's that holds the device with the program that it runs, under
/// whatever device's name it is pinned: names can have been swapped since. Empty if there is none.
base::FileDescriptor pinned_link(const PinDir& pins, int index, std::uint32_t program_id) {
  for (const std::string& name : pins.names()) {
    if (!name.starts_with(Attachment::pin_name(""))) continue;
    base::FileDescriptor pinned(bpf_obj_get((pins.path() + "/" + name).c_str()));
    const auto link = pinned ? bpf::xdp_link(pinned.get()) : std::nullopt;
    if (link && link->interface_index == static_cast<unsigned>(index) &&
        link->program_id == program_id)
      return pinned;
  }
  return {};
}

int create(int program, int index, std::uint32_t flags) {
  LIBBPF_OPTS(bpf_link_create_opts, options, .flags = flags);
  return bpf_link_create(program, index, BPF_XDP, &options);
}

std::string why_not_native(int error_number, const std::string& device) {
  const auto facts = look_at(device, device);
  if (facts && facts->mtu > bpf::kUsualNativeMtu) {
    return "its MTU of " + std::to_string(facts->mtu) + " is too large for native XDP (about " +
           std::to_string(bpf::kUsualNativeMtu) + " is usual)";
  }
  return "the driver " + (facts ? facts->driver : "unknown") + " " +
         bpf::native_refusal(error_number);
}

}  // namespace

Result<Attachment> Attachment::find(const PinDir& pins, const std::string& device,
                                    const HostInterface& facts, bool displace) {
  Attachment attachment(device, facts.index);
  const auto attached = bpf::program_on(facts.index);
  if (!attached) return tl::unexpected(attached.error());
  if (attached->id == 0) return attachment;
  attachment.link_ = pinned_link(pins, facts.index, attached->id);
  if (attachment.link_) {
    attachment.adopted_program_ = attached->id;
    attachment.mode_ = attached->generic ? "generic" : "native";
    return attachment;
  }
  if (!displace) {
    return base::fail("another XDP program, " + describe(*attached) + ", is attached to " + device +
                      "; take it off with `ip link set dev " + device +
                      (attached->generic ? " xdpgeneric" : " xdp") +
                      " off` or with its own tool, or set replace_program = true for this "
                      "interface");
  }
  attachment.displaces_ = true;
  return attachment;
}

Result<void> Attachment::put(const PinDir& pins, int program) {
  if (link_) {
    if (bpf_link_update(link_.get(), program, nullptr) != 0)
      return base::fail_errno("cannot replace the XDP program of " + device_, errno);
    return pins.put(link_.get(), pin_name(device_));
  }
  if (displaces_)
    if (auto off = displace(); !off) return off;
  if (auto done = attach(program); !done) return done;
  return pins.put(link_.get(), pin_name(device_));
}

/// At the last moment: all that could fail before has not.
Result<void> Attachment::displace() {
  const auto attached = bpf::program_on(index_);
  if (!attached) return tl::unexpected(attached.error());
  if (attached->id == 0) return {};
  if (auto off = take_off(*attached, index_, device_); !off) return off;
  spdlog::warn("took the XDP program {} off {}, as replace_program asks", describe(*attached),
               device_);
  return {};
}

Result<void> Attachment::attach(int program) {
  const bpf::LibbpfLog log;
  int link = create(program, index_, XDP_FLAGS_DRV_MODE);
  if (link >= 0) {
    link_ = base::FileDescriptor(link);
    mode_ = "native";
    return {};
  }
  if (!bpf::is_of_native_mode(-link))
    return base::fail_errno("cannot attach the XDP program to " + device_, -link);
  const std::string why = why_not_native(-link, device_);
  link = create(program, index_, XDP_FLAGS_SKB_MODE);
  if (link < 0)
    return base::fail_errno("cannot attach the XDP program to " + device_ + " (" + why + ")",
                            -link);
  link_ = base::FileDescriptor(link);
  mode_ = "generic: " + why;
  spdlog::warn("{}: {}; the XDP program runs in generic mode, which is slower", device_, why);
  return {};
}

void Attachment::let_go() {
  if (link_) bpf_link_detach(link_.get());
  link_.reset();
}

void Attachment::detach(const PinDir& pins) {
  let_go();
  pins.remove(pin_name(device_));
}

}  // namespace guideway::datapath::xdp
