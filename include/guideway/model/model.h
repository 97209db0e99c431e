// SPDX-License-Identifier: Apache-2.0
// The model: what the operator asked for, as plain values. The configuration file and (later) the
// admin socket both produce it; only the controller changes it; compile reads it.
// Units: durations are std::chrono; ports are host order. docs/configuration.md explains each
// field. Threading: values.
#ifndef GUIDEWAY_MODEL_MODEL_H_
#define GUIDEWAY_MODEL_MODEL_H_

#include <array>
#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "guideway/base/address.h"

namespace guideway::model {

/// A 128-bit secret.
using HashSeed = std::array<std::uint8_t, 16>;

enum class DatapathKind { kAuto, kDpdk, kAfxdp, kXdp };
enum class IdlePolicy { kPoll, kAdaptive };
enum class OnStop { kKeep, kDetach };
/// Who answers an echo request to a VIP.
enum class VipIcmp { kAnswer, kKernel };
/// What becomes of TCP and UDP to a port of a VIP that no service has.
enum class UnservedPorts { kKernel, kDrop };
/// What workers do with a packet that may be fragmented and does not fit the path to its backend.
enum class OnTooBig { kFragment, kDrop };
/// The numbers are kept with the flow table (datapath/kept_flows.h).
enum class Forwarding { kL2Dsr = 0, kIpip = 1, kVxlan = 2, kGre = 3, kGue = 4, kNat = 5 };
enum class Scheduler {
  kMaglev,
  kRoundRobin,
  kWeightedRoundRobin,
  kLeastConnections,
  kWeightedLeastConnections
};
enum class AdminState { kEnabled, kDrain, kDisabled };
enum class Protocol { kTcp, kUdp, kTcpUdp };
enum class VipMode { kOwned, kRouted };
enum class HashKey { kFiveTuple, kSource, kSourcePort, kSourceDestination };
enum class CheckProtocol { kTcp, kHttp, kHttps, kUdp, kPing, kExec };
/// The operator's word in place of the health checks'. Set at run time only, never by the file.
enum class Forced { kNone, kUp, kDown };
/// What a pool in panic, with too few healthy backends, does with new flows.
enum class PanicAction { kFailOpen, kHold, kFallback };

/// "round_robin", as in the configuration.
const char* to_string(Scheduler scheduler);
/// New flows go round the pool's ring, not by slot.
constexpr bool takes_turns(Scheduler scheduler) { return scheduler != Scheduler::kMaglev; }
/// … and to where there are fewer live flows.
constexpr bool goes_by_load(Scheduler scheduler) {
  return scheduler == Scheduler::kLeastConnections ||
         scheduler == Scheduler::kWeightedLeastConnections;
}
/// Whether more weight means more flows; else any weight above 0 is the same.
constexpr bool is_weighted(Scheduler scheduler) {
  return scheduler != Scheduler::kRoundRobin && scheduler != Scheduler::kLeastConnections;
}

struct Director {
  std::string name = "guideway";
  DatapathKind datapath = DatapathKind::kAuto;
  /// CPUs to pin workers to; empty: "auto".
  std::vector<unsigned> worker_cpus;
  IdlePolicy idle = IdlePolicy::kAdaptive;
  std::optional<HashSeed> hash_seed;
  std::string state_dir = "/var/lib/guideway";
  std::string pin_dir = "/run/guideway/bpf";
  /// Where the flow table of datapath "dpdk" outlives the daemon: a directory in memory.
  std::string flow_dir = "/run/guideway/flows";
  OnStop on_stop = OnStop::kKeep;
  /// From one build to the next; the first is at once.
  std::chrono::milliseconds min_rebuild_interval{100};
  VipIcmp vip_icmp = VipIcmp::kAnswer;
  UnservedPorts unserved_ports = UnservedPorts::kKernel;
  OnTooBig on_too_big = OnTooBig::kFragment;
  /// ICMP messages a second of each kind that are sent or passed on, for each worker.
  std::uint32_t icmp_rate = 1000;
  /// Extra EAL arguments, appended to ours (dpdk and afxdp).
  std::vector<std::string> eal_arguments;
  friend bool operator==(const Director&, const Director&) = default;
};

/// What sizes memory.
struct Capacity {
  std::uint32_t services = 1024;
  std::uint32_t pools = 256;
  std::uint32_t backends = 4096;
  std::uint32_t slots = 16'777'216;
  std::uint32_t flows = 1'000'000;
  /// Each takes 8.4 MB; none: as many as the pools of the first configuration have.
  std::optional<std::uint32_t> nat_addresses;
  friend bool operator==(const Capacity&, const Capacity&) = default;
};

struct Admin {
  std::string socket = "/run/guideway/admin.sock";
  std::string status_socket = "/run/guideway/status.sock";
  std::string metrics = "127.0.0.1:9641";
  friend bool operator==(const Admin&, const Admin&) = default;
};

struct Interface {
  std::string name;
  /// "eth1", "pci:0000:3b:00.0" or "vdev:net_…".
  std::string device;
  std::vector<IpPrefix> addresses;
  /// A kernel interface's XDP program of somebody else's is taken off.
  bool replace_program = false;
  /// A PCI or virtual device is taken although it carries the host's default route.
  bool take_default_route = false;
  friend bool operator==(const Interface&, const Interface&) = default;
};

struct Vxlan {
  std::uint32_t vni = 0;
  std::uint16_t port = 4789;
  Mac inner_mac;
  friend bool operator==(const Vxlan&, const Vxlan&) = default;
};

struct Gre {
  /// RFC 2890; none: the header of RFC 2784 alone.
  std::optional<std::uint32_t> key;
  friend bool operator==(const Gre&, const Gre&) = default;
};

struct Gue {
  std::uint16_t port = 6080;
  friend bool operator==(const Gue&, const Gue&) = default;
};

struct Backend {
  std::string name;
  IpAddress address;
  /// 0: the service's port (the only choice outside kNat).
  std::uint16_t port = 0;
  std::uint32_t weight = 100;
  AdminState state = AdminState::kEnabled;
  Forced forced = Forced::kNone;
  /// Never from the file: its drain is over, and the flows that it still has are to start anew.
  bool resets_flows = false;
  friend bool operator==(const Backend&, const Backend&) = default;
};

/// What makes a backend the same one over reloads, whatever it is called. Pools are known by name.
struct BackendKey {
  std::string pool;
  IpAddress address;
  std::uint16_t port = 0;
  friend auto operator<=>(const BackendKey&, const BackendKey&) = default;
};

/// HTTP statuses; both ends are included.
struct StatusRange {
  std::uint16_t first = 0;
  std::uint16_t last = 0;
  friend bool operator==(const StatusRange&, const StatusRange&) = default;
  friend auto operator<=>(const StatusRange&, const StatusRange&) = default;
};

struct HealthCheck {
  CheckProtocol protocol = CheckProtocol::kHttp;
  /// 0: "traffic".
  std::uint16_t port = 0;
  std::string path = "/";
  std::chrono::milliseconds interval{10'000};
  std::chrono::milliseconds timeout{5'000};
  std::uint32_t healthy_threshold = 2;
  std::uint32_t unhealthy_threshold = 2;
  /// While the results speak against the state; 0: interval.
  std::chrono::milliseconds fast_interval{0};
  /// By how much of itself an interval is longer or shorter, so that probes do not fall into step.
  std::uint32_t jitter_percent = 5;
  /// How long a backend that flaps is held unhealthy at first, doubled each time up to the longest;
  /// 0: it is never held.
  std::chrono::milliseconds flap_hold{5'000};
  std::chrono::milliseconds longest_flap_hold{300'000};
  /// Where probes go; none: each to its backend.
  std::optional<IpAddress> address;
  /// Where probes come from; none: what the kernel's route prefers.
  std::optional<IpAddress> source;
  /// http, https: also the name asked for in TLS; empty: the address and port.
  std::string host;
  std::vector<StatusRange> expected_status = {{200, 399}};
  /// http, https: in the first 64 KiB of the body; empty: the body is not read.
  std::string expected_text;
  /// udp: what is sent, and what the answer must begin with; empty: no answer is needed.
  std::string send;
  std::string expect;
  friend bool operator==(const HealthCheck&, const HealthCheck&) = default;
};

/// How a pool is kept from being emptied by its health check. Percent of its backends' weight.
struct PanicPolicy {
  /// Panic begins below this; 0: when none is healthy.
  std::uint32_t threshold = 0;
  /// It ends so much above.
  std::uint32_t hysteresis = 10;
  PanicAction action = PanicAction::kFailOpen;
  /// A pool's name; set exactly when action is kFallback.
  std::string fallback_pool;
  /// Outside of panic.
  std::uint32_t max_ejected_percent = 100;
  friend bool operator==(const PanicPolicy&, const PanicPolicy&) = default;
};

struct Pool {
  std::string name;
  Forwarding forwarding = Forwarding::kL2Dsr;
  std::optional<Vxlan> vxlan;  // set exactly when forwarding is kVxlan
  std::optional<Gre> gre;      // may be set when forwarding is kGre; likewise below
  std::optional<Gue> gue;
  /// Outer source address; none: "auto", what the kernel's route prefers.
  std::optional<IpAddress> source;
  /// kNat: what the backends see as source; at least one, of the backends' family.
  std::vector<IpAddress> nat_sources;
  /// kNat: false: the backends see the client's address and port, and nat_sources is empty.
  bool snat = true;
  /// kNat with snat: whether a TCP option tells backends the client's address and port.
  bool toa = false;
  /// Whether SYNs, and with kNat SYN-ACKs, announce no larger MSS than the path to the backend
  /// takes.
  bool clamp_mss = false;
  Scheduler scheduler = Scheduler::kMaglev;
  std::uint32_t table_size = 65537;
  std::vector<Backend> backends;
  std::optional<HealthCheck> health_check;
  PanicPolicy panic;
  friend bool operator==(const Pool&, const Pool&) = default;
};

struct Service {
  std::string name;
  IpAddress address;
  Protocol protocol = Protocol::kTcp;
  /// 0: any port.
  std::uint16_t port = 0;
  std::string pool;
  VipMode vip = VipMode::kOwned;
  HashKey hash = HashKey::kFiveTuple;
  std::chrono::seconds idle_timeout{350};
  friend bool operator==(const Service&, const Service&) = default;
};

BackendKey key_of(const Pool& pool, const Backend& backend);

/// Of capacity.slots: the table, and the ring of a scheduler that has one, which is never longer.
std::uint64_t slots_of(const Pool& pool);

/// Whether Interface::device names a kernel interface, not a device of DPDK's.
bool is_kernel_device(std::string_view device);

struct Model {
  Director director;
  Capacity capacity;
  Admin admin;
  std::vector<Interface> interfaces;
  std::vector<Pool> pools;
  std::vector<Service> services;
  friend bool operator==(const Model&, const Model&) = default;
};

/// The addresses of all pools' nat_sources.
std::set<IpAddress> nat_addresses_of(const Model& model);
/// Whose planes the NAT table has: those addresses, and for the flows of each family that keep the
/// client's (snat = false) the unspecified one.
std::vector<IpAddress> nat_planes_of(const Model& model);
/// How many NAT addresses a director that starts with the model has room for.
std::uint32_t nat_capacity_of(const Model& model);

/// Indices of the services whose flows the pool may get: as their pool, or as its fallback.
std::vector<std::size_t> services_of(const Model& model, const std::string& pool);

}  // namespace guideway::model

#endif  // GUIDEWAY_MODEL_MODEL_H_
