// SPDX-License-Identifier: Apache-2.0
#include "guideway/bpf/loaded.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include "guideway/bpf/libbpf_log.h"

namespace guideway::bpf {
namespace {

constexpr std::size_t kMostMaps = 64;

/// Information about other objects has another layout, so it is not asked for.
bool is_link(int object) {
  std::array<char, 64> target{};
  const std::string path = "/proc/self/fd/" + std::to_string(object);
  const ssize_t size = readlink(path.c_str(), target.data(), target.size() - 1);
  if (size <= 0) return false;
  const std::string_view name(target.data());
  return name == "anon_inode:bpf-link" || name == "anon_inode:bpf_link";
}

std::string name_of(std::uint32_t program_id) {
  const base::FileDescriptor program(bpf_prog_get_fd_by_id(program_id));
  bpf_prog_info info{};
  std::uint32_t length = sizeof info;
  if (!program || bpf_obj_get_info_by_fd(program.get(), &info, &length) != 0) return "";
  return std::string(info.name, strnlen(info.name, sizeof info.name));
}

}  // namespace

Result<DeviceProgram> program_on(int interface_index) {
  const LibbpfLog quiet;
  LIBBPF_OPTS(bpf_xdp_query_opts, facts);
  if (const int error = bpf_xdp_query(interface_index, 0, &facts); error != 0)
    return base::fail_errno("cannot ask for the XDP program of a device", -error);
  DeviceProgram program;
  for (const std::uint32_t id :
       {facts.prog_id, facts.drv_prog_id, facts.skb_prog_id, facts.hw_prog_id}) {
    if (program.id == 0) program.id = id;
  }
  program.generic = facts.attach_mode == XDP_ATTACHED_SKB;
  if (program.id != 0) program.name = name_of(program.id);
  return program;
}

std::optional<XdpLink> xdp_link(int object) {
  bpf_link_info info{};
  std::uint32_t length = sizeof info;
  if (!is_link(object) || bpf_obj_get_info_by_fd(object, &info, &length) != 0 ||
      info.type != BPF_LINK_TYPE_XDP)
    return std::nullopt;
  return XdpLink{info.prog_id, info.xdp.ifindex};
}

Result<OpenMaps> maps_of(int program) {
  std::array<std::uint32_t, kMostMaps> ids{};
  bpf_prog_info info{};
  info.nr_map_ids = kMostMaps;
  info.map_ids = reinterpret_cast<std::uint64_t>(ids.data());
  std::uint32_t length = sizeof info;
  if (bpf_obj_get_info_by_fd(program, &info, &length) != 0)
    return base::fail_errno("the program cannot be looked at (are you root?)", errno);
  OpenMaps maps;
  for (std::uint32_t i = 0; i < info.nr_map_ids && i < kMostMaps; i++) {
    OpenMap map{base::FileDescriptor(bpf_map_get_fd_by_id(ids[i]))};
    length = sizeof map.info;
    if (map.fd && bpf_obj_get_info_by_fd(map.fd.get(), &map.info, &length) == 0)
      maps.emplace(map.info.name, std::move(map));
  }
  return maps;
}

}  // namespace guideway::bpf
