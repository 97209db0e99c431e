// SPDX-License-Identifier: Apache-2.0
// BalancerObject: the XDP program of one interface, loaded: bpf/balancer.bpf.c as it lies in this
// binary, with its sizes and switches set. The programs of several interfaces share all maps but
// the sockets'.
// Threading: start-up; the descriptors may be used by any thread.
#ifndef GUIDEWAY_DATAPATH_XDP_BALANCER_OBJECT_H_
#define GUIDEWAY_DATAPATH_XDP_BALANCER_OBJECT_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "guideway/base/result.h"
#include "guideway/core/kernel_shared.h"
#include "guideway/datapath/kept_flows.h"
#include "guideway/datapath/xdp/mapped_map.h"

struct bpf_map;
struct bpf_object;

namespace guideway::datapath::xdp {

/// The limits of a director: `capacity` as configured, `shape` of its flow table.
struct Sizes {
  std::uint32_t services = 0;
  std::uint32_t pools = 0;
  std::uint32_t slots = 0;
  std::uint32_t backends = 0;
  FlowShape shape;
  std::uint32_t nat_planes = 0;
};

/// Read-only data for the program; interface_index and the switches are left 0.
gw_limits limits_for(const Sizes& sizes);

class BalancerObject {
 public:
  /// Map name -> descriptor: maps to use instead of making new ones.
  using Maps = std::map<std::string, int>;

  /// `director` names what shows in `bpftool prog` and `bpftool map`. Errors: no permission, a
  /// kernel without BPF, the verifier's last lines.
  static Result<BalancerObject> load(const std::string& director, const gw_limits& limits,
                                     const Maps& existing);

  /// Whether a descriptor from elsewhere is a map that the program can have for "xsks_map".
  static bool is_sockets_map(int fd);

  int program_fd() const;
  /// REQUIRES: the object has a map of that name.
  int map_fd(const std::string& name) const;
  /// Maps `count` values of the map of that name into `map`. REQUIRES: as map_fd().
  template <typename T>
  Result<void> map_into(MappedMap<T>& map, const std::string& name, std::size_t count) const {
    auto mapped = MappedMap<T>::make(map_fd(name), count, name);
    if (!mapped) return tl::unexpected(mapped.error());
    map = std::move(*mapped);
    return {};
  }
  /// Packets for the interface of that index leave by the kernel's interface `ifindex`.
  Result<void> set_device(std::uint32_t index, std::uint32_t ifindex);
  /// Of the map whose one value is the gw_test.
  int test_fd() const;
  /// Every map that programs of one director share.
  Maps shared_maps() const;

 private:
  struct Close {
    void operator()(bpf_object* object) const;
  };
  explicit BalancerObject(bpf_object* object);
  Result<void> reuse(const Maps& existing);

  std::unique_ptr<bpf_object, Close> object_;
  /// By their names in the source: libbpf renames a map that is taken from elsewhere.
  std::map<std::string, bpf_map*> maps_;
};

}  // namespace guideway::datapath::xdp

#endif  // GUIDEWAY_DATAPATH_XDP_BALANCER_OBJECT_H_
