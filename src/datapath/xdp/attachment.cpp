// SPDX-License-Identifier: Apache-2.0
#include "guideway/datapath/xdp/attachment.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>
#include <spdlog/spdlog.h>

#include <cerrno>
#include <cstring>
#include <optional>

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

Result<void> take_off(std::uint32_t program_id, int index, const std::string& device) {
  const bpf::LibbpfLog quiet;
  const base::FileDescriptor link = link_of(program_id, index);
  const int error = link ? bpf_link_detach(link.get()) : bpf_xdp_detach(index, 0, nullptr);
  if (error != 0)
    return base::fail_errno("cannot take the XDP program off " + device,
                            error < 0 ? -error : errno);
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
  const std::string driver = facts ? facts->driver : "unknown";
  if (error_number == EOPNOTSUPP) return "the driver " + driver + " has no native XDP";
  return "the driver " + driver + " refuses native XDP: " + std::strerror(error_number);
}

}  // namespace

Result<Attachment> Attachment::find(const PinDir& pins, const std::string& device,
                                    const HostInterface& facts, bool displace) {
  Attachment attachment(device, facts.index);
  auto pinned = pins.get(pin_name(device));
  if (!pinned) return tl::unexpected(pinned.error());
  const auto attached = bpf::program_on(facts.index);
  if (!attached) return tl::unexpected(attached.error());
  if (*pinned) {
    const auto link = bpf::xdp_link(pinned->get());
    if (link && link->interface_index == static_cast<unsigned>(facts.index) &&
        link->program_id == attached->id) {
      attachment.link_ = std::move(*pinned);
      attachment.adopted_ = true;
      attachment.read_mode();
      return attachment;
    }
    spdlog::warn("the pinned link of {} no longer holds the device: it is set up anew", device);
    pins.remove(pin_name(device));
  }
  if (attached->id == 0) return attachment;
  const std::string program = attached->name + " (id " + std::to_string(attached->id) + ")";
  if (!displace) {
    return base::fail("another XDP program, " + program + ", is attached to " + device +
                      "; take it off with `ip link set dev " + device +
                      " xdp off` or with its own tool, or set replace_program = true for this "
                      "interface");
  }
  if (auto off = take_off(attached->id, facts.index, device); !off)
    return tl::unexpected(off.error());
  spdlog::warn("took the XDP program {} off {}, as replace_program asks", program, device);
  return attachment;
}

Result<void> Attachment::put(const PinDir& pins, int program) {
  if (link_) {
    if (bpf_link_update(link_.get(), program, nullptr) != 0)
      return base::fail_errno("cannot replace the XDP program of " + device_, errno);
    return {};
  }
  if (auto done = attach(program); !done) return done;
  return pins.put(link_.get(), pin_name(device_));
}

Result<void> Attachment::attach(int program) {
  const bpf::LibbpfLog log;
  int link = create(program, index_, XDP_FLAGS_DRV_MODE);
  if (link >= 0) {
    link_ = base::FileDescriptor(link);
    mode_ = "native";
    return {};
  }
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

void Attachment::read_mode() {
  const auto program = bpf::program_on(index_);
  mode_ = program && program->generic ? "generic" : "native";
}

void Attachment::detach(const PinDir& pins) {
  if (link_) bpf_link_detach(link_.get());
  link_.reset();
  pins.remove(pin_name(device_));
}

}  // namespace guideway::datapath::xdp
