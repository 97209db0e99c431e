// SPDX-License-Identifier: Apache-2.0
#include "guideway/datapath/xdp/attachment.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>
#include <spdlog/spdlog.h>

#include <cerrno>
#include <cstring>
#include <optional>

#include "guideway/datapath/xdp/bpf_error.h"

namespace guideway::datapath::xdp {
namespace {

/// IP bytes: one page of the kernel's, less headroom and the structure at its end.
constexpr unsigned kUsualNativeMtu = 3498;

struct LinkFacts {
  std::uint32_t program_id = 0;
  std::uint32_t ifindex = 0;
};

std::optional<LinkFacts> facts_of(int link) {
  bpf_link_info info{};
  std::uint32_t length = sizeof info;
  if (bpf_obj_get_info_by_fd(link, &info, &length) != 0 || info.type != BPF_LINK_TYPE_XDP)
    return std::nullopt;
  return LinkFacts{info.prog_id, info.xdp.ifindex};
}

/// 0: none.
std::uint32_t attached_program(int index) {
  const LibbpfLog quiet;
  LIBBPF_OPTS(bpf_xdp_query_opts, facts);
  if (bpf_xdp_query(index, 0, &facts) != 0) return 0;
  if (facts.prog_id != 0) return facts.prog_id;
  for (std::uint32_t id : {facts.drv_prog_id, facts.skb_prog_id, facts.hw_prog_id})
    if (id != 0) return id;
  return 0;
}

std::string program_name(std::uint32_t id) {
  const base::FileDescriptor program(bpf_prog_get_fd_by_id(id));
  bpf_prog_info info{};
  std::uint32_t length = sizeof info;
  if (!program || bpf_obj_get_info_by_fd(program.get(), &info, &length) != 0) return "?";
  return info.name;
}

/// The bpf_link that holds the program, if one does.
base::FileDescriptor link_of(std::uint32_t program_id, int index) {
  std::uint32_t id = 0;
  while (bpf_link_get_next_id(id, &id) == 0) {
    base::FileDescriptor link(bpf_link_get_fd_by_id(id));
    const auto facts = link ? facts_of(link.get()) : std::nullopt;
    if (facts && facts->program_id == program_id && facts->ifindex == static_cast<unsigned>(index))
      return link;
  }
  return {};
}

Result<void> take_off(std::uint32_t program_id, int index, const std::string& device) {
  const LibbpfLog quiet;
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
  if (facts && facts->mtu > kUsualNativeMtu) {
    return "its MTU of " + std::to_string(facts->mtu) + " is too large for native XDP (about " +
           std::to_string(kUsualNativeMtu) + " is usual)";
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
  const std::uint32_t attached = attached_program(facts.index);
  if (*pinned) {
    const auto link = facts_of(pinned->get());
    if (link && link->ifindex == static_cast<unsigned>(facts.index) &&
        link->program_id == attached) {
      attachment.link_ = std::move(*pinned);
      attachment.adopted_ = true;
      attachment.read_mode();
      return attachment;
    }
    spdlog::warn("the pinned link of {} no longer holds the device: it is set up anew", device);
    pins.remove(pin_name(device));
  }
  if (attached == 0) return attachment;
  const std::string program = program_name(attached) + " (id " + std::to_string(attached) + ")";
  if (!displace) {
    return base::fail("another XDP program, " + program + ", is attached to " + device +
                      "; take it off with `ip link set dev " + device +
                      " xdp off` or with its own tool, or set replace_program = true for this "
                      "interface");
  }
  if (auto off = take_off(attached, facts.index, device); !off) return tl::unexpected(off.error());
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
  const LibbpfLog log;
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
  LIBBPF_OPTS(bpf_xdp_query_opts, facts);
  const bool known = bpf_xdp_query(index_, 0, &facts) == 0;
  mode_ = known && facts.attach_mode == XDP_ATTACHED_SKB ? "generic" : "native";
}

void Attachment::detach(const PinDir& pins) {
  if (link_) bpf_link_detach(link_.get());
  link_.reset();
  pins.remove(pin_name(device_));
}

}  // namespace guideway::datapath::xdp
