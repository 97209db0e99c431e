// SPDX-License-Identifier: Apache-2.0
#include "guideway/datapath/xdp/orphan.h"

#include <bpf/bpf.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <map>
#include <optional>
#include <system_error>
#include <utility>

#include "guideway/base/clock.h"
#include "guideway/bpf/loaded.h"
#include "guideway/core/kernel_shared.h"
#include "guideway/datapath/counters.h"
#include "guideway/datapath/xdp/attachment.h"
#include "guideway/datapath/xdp/cpu_rows.h"
#include "guideway/datapath/xdp/mapped_map.h"
#include "guideway/datapath/xdp/pin_dir.h"
#include "guideway/datapath/xdp/pin_store.h"

namespace guideway::datapath::xdp {
namespace {

/// All values of a map, if it is what this program makes of it.
template <typename T>
Result<MappedMap<T>> values_of(const bpf::OpenMaps& maps, const std::string& name) {
  const auto found = maps.find(name.substr(0, BPF_OBJ_NAME_LEN - 1));
  if (found == maps.end() || found->second.info.value_size != sizeof(T) ||
      found->second.info.type != BPF_MAP_TYPE_ARRAY)
    return base::fail("its map " + name + " is of another version");
  return MappedMap<T>::make(found->second.fd.get(), found->second.info.max_entries, name);
}

/// Its counters, if they are laid out as this program's are.
Result<CpuRows> rows_of(const bpf::OpenMaps& maps) {
  const auto rows = maps.find(CpuRows::kMap);
  const auto backends = maps.find("gw_backends");
  if (rows == maps.end() || backends == maps.end() ||
      rows->second.info.type != BPF_MAP_TYPE_ARRAY ||
      backends->second.info.value_size != sizeof(gw_backend))
    return base::fail("its counters are of another version");
  const std::size_t backend_ids = backends->second.info.max_entries / GW_COPIES;
  const std::size_t size = rows->second.info.value_size;
  const std::size_t others = CpuRows::size_for(backend_ids, 0);
  if (size < others || (size - others) % sizeof(gw_traffic) != 0)
    return base::fail("its counters are of another version");
  return CpuRows::make(rows->second.fd.get(), rows->second.info.max_entries, backend_ids,
                       (size - others) / sizeof(gw_traffic));
}

Result<void> count_up(Orphan& orphan, const compile::BackendIds& ids, const bpf::OpenMaps& maps) {
  auto rows = rows_of(maps);
  if (!rows) return tl::unexpected(rows.error());
  for (std::size_t cpu = 0; cpu < rows->cpus(); cpu++)
    add(orphan.counters, read_counters(rows->counters(cpu)));
  for (const auto& [id, entry] : ids.entries()) {
    OrphanBackend backend{
        entry.key.pool + "/" + entry.name, entry.key.address.to_string(), entry.removed, {}};
    for (std::size_t cpu = 0; cpu < rows->cpus() && id < rows->backends(); cpu++)
      add(backend.traffic, read_traffic(rows->backend(cpu, id)));
    orphan.backends.push_back(std::move(backend));
  }
  return {};
}

/// None: its daemon lives.
Result<std::optional<Orphan>> read_orphan(const std::string& pin_dir, const std::string& director) {
  auto pins = PinDir::find(pin_dir, director);
  if (!pins) return tl::unexpected(pins.error());
  PinStore store(*pins, director);
  auto kept = FlowStore::read(store, director);
  if (!kept) return tl::unexpected(kept.error());
  Orphan orphan{.director = director, .generation = kept->generation};
  std::uint32_t program = 0;
  const std::string prefix = Attachment::pin_name("");
  for (const std::string& name : pins->names()) {
    if (!name.starts_with(prefix)) continue;
    const base::FileDescriptor link(bpf_obj_get((pins->path() + "/" + name).c_str()));
    const auto facts = link ? bpf::xdp_link(link.get()) : std::nullopt;
    if (!facts || facts->interface_index == 0) continue;  // its interface is gone
    orphan.devices.push_back(name.substr(prefix.size()));
    program = facts->program_id;
  }
  if (program == 0) return base::fail("no interface has its program");
  const base::FileDescriptor opened(bpf_prog_get_fd_by_id(program));
  auto maps = bpf::maps_of(opened.get());
  if (!maps) return tl::unexpected(maps.error());
  auto control = values_of<gw_control>(*maps, GW_CONTROL_SECTION);
  if (!control) return tl::unexpected(control.error());
  const std::uint64_t now_s = base::coarse_now_s();
  const std::uint64_t alive_s = (*control)[0].daemon_alive_s;
  orphan.alone_s = now_s > alive_s ? now_s - alive_s : 0;
  if (orphan.alone_s < kAliveWithin_s && pins->in_use()) return std::nullopt;
  if (auto read = count_up(orphan, kept->ids, *maps); !read) return tl::unexpected(read.error());
  return orphan;
}

}  // namespace

Result<std::vector<Orphan>> find_orphans(const std::string& pin_dir,
                                         std::vector<std::string>& problems) {
  std::vector<Orphan> orphans;
  std::error_code error;
  for (std::filesystem::directory_iterator at(pin_dir, error), end; !error && at != end;
       at.increment(error)) {
    const std::string director = PinDir::with_dots(at->path().filename().string());
    std::error_code ignored;
    if (!std::filesystem::exists(at->path() / FlowStore::kKept, ignored)) continue;
    auto orphan = read_orphan(pin_dir, director);
    if (!orphan)
      problems.push_back("director " + director + ": " + orphan.error().message);
    else if (*orphan)
      orphans.push_back(std::move(**orphan));
  }
  if (error) return base::fail("cannot read " + pin_dir + ": " + error.message());
  return orphans;
}

}  // namespace guideway::datapath::xdp
