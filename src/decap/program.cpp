// SPDX-License-Identifier: Apache-2.0
#include "guideway/decap/program.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "decap.h"
#include "guideway/bpf/libbpf_log.h"
#include "guideway/bpf/loaded.h"

namespace guideway::decap {
namespace {

using base::FileDescriptor;

constexpr const char* kOwnMap = "gw_decap_own";
constexpr const char* kFromMap = "gw_decap_from";
constexpr const char* kVipMap = "gw_decap_vip";
constexpr const char* kCountMap = "gw_decap_count";
constexpr const char* kSettingsMap = "gw_decap.rodata";  // libbpf's name for it
constexpr std::uint32_t kFamilyBits = 32;

constexpr Reason kReasons[] = {
#define GW_DECAP_ROW(id, verdict, name, help) {name, help, GW_DECAP_##verdict == GW_DECAP_DROP},
    GW_DECAP_REASONS(GW_DECAP_ROW)
#undef GW_DECAP_ROW
};

gw_decap_address key_of(const IpAddress& address) {
  gw_decap_address key{};
  key.family = static_cast<std::uint32_t>(address.family());
  std::memcpy(key.words, address.bytes().data(), address.size());
  return key;
}

gw_decap_prefix key_of(const IpPrefix& prefix) {
  return {prefix.length + kFamilyBits, key_of(prefix.address)};
}

IpAddress address_of(const gw_decap_address& key) {
  return *IpAddress::from_bytes(key.words, key.family == 4 ? 4 : 16);
}

gw_decap_settings settings_of(const Settings& settings) {
  const Tunnels& on = settings.tunnels;
  std::uint32_t tunnels = 0;
  if (on.ipip) tunnels |= GW_DECAP_IPIP;
  if (on.gre) tunnels |= GW_DECAP_GRE;
  if (on.gue) tunnels |= GW_DECAP_GUE;
  if (on.vxlan) tunnels |= GW_DECAP_VXLAN;
  return {tunnels, settings.gue_port, settings.vxlan_port};
}

Result<void> cannot(const std::string& what) { return base::fail_errno("cannot " + what, errno); }

Result<void> set_entries(bpf_object* object, const char* name, std::size_t entries) {
  bpf_map* map = bpf_object__find_map_by_name(object, name);
  const auto count = static_cast<std::uint32_t>(std::max<std::size_t>(entries, 1));
  if (map == nullptr || bpf_map__set_max_entries(map, count) != 0)
    return cannot("size the map " + std::string(name));
  return {};
}

/// What has to be set between opening and loading.
Result<void> prepare(bpf_object* object, const Settings& settings, int counters) {
  bpf_map* read_only = bpf_object__find_map_by_name(object, ".rodata");
  const gw_decap_settings values = settings_of(settings);
  if (read_only == nullptr || bpf_map__set_initial_value(read_only, &values, sizeof values) != 0)
    return cannot("set the program's read-only settings");
  bpf_map* count = bpf_object__find_map_by_name(object, kCountMap);
  if (counters >= 0 && (count == nullptr || bpf_map__reuse_fd(count, counters) != 0))
    return cannot("go on with the counters of the attached program");
  if (auto set = set_entries(object, kFromMap, settings.from.size()); !set) return set;
  if (auto set = set_entries(object, kVipMap, settings.vips.size()); !set) return set;
  return set_entries(object, kOwnMap, settings.local.size() + settings.host.size());
}

Result<void> fill_prefixes(bpf_object* object, const char* name,
                           const std::vector<IpPrefix>& prefixes) {
  const int map = bpf_object__find_map_fd_by_name(object, name);
  const std::uint32_t value = 1;
  for (const IpPrefix& prefix : prefixes) {
    const gw_decap_prefix key = key_of(prefix);
    if (bpf_map_update_elem(map, &key, &value, BPF_ANY) != 0)
      return cannot("enter " + prefix.to_string() + " into the map " + name);
  }
  return {};
}

Result<void> fill_own(bpf_object* object, const Settings& settings) {
  const int map = bpf_object__find_map_fd_by_name(object, kOwnMap);
  const auto enter = [&](const IpAddress& address, std::uint32_t kind) {
    const gw_decap_address key = key_of(address);
    return bpf_map_update_elem(map, &key, &kind, BPF_ANY) == 0;
  };
  for (const IpAddress& address : settings.host)
    if (!enter(address, GW_DECAP_HOST)) return cannot("enter " + address.to_string());
  for (const IpAddress& address : settings.local)
    if (!enter(address, GW_DECAP_HOST | GW_DECAP_LOCAL))
      return cannot("enter " + address.to_string());
  return {};
}

tl::unexpected<Error> load_error(int error, const bpf::LibbpfLog& log) {
  if (error == EPERM || error == EACCES) {
    // EACCES is the verifier's answer, too; then it has said why.
    if (!log.has_verifier_part())
      return base::fail(
          "no permission to load BPF programs: run as root, or with CAP_BPF,"
          " CAP_NET_ADMIN and CAP_SYS_ADMIN");
  }
  return base::fail("the kernel refused the program (" + std::string(std::strerror(error)) +
                    "), please report it with these lines of the verifier:\n" + log.quote());
}

/// A map of a loaded program by its name; invalid if there is none of these sizes.
FileDescriptor open_map(int program, std::string_view name, std::uint32_t key_size,
                        std::uint32_t value_size) {
  auto maps = bpf::maps_of(program);
  const auto found = maps ? maps->find(std::string(name)) : bpf::OpenMaps::iterator();
  if (!maps || found == maps->end() || found->second.info.key_size != key_size ||
      found->second.info.value_size != value_size)
    return {};
  return std::move(found->second.fd);
}

tl::unexpected<Error> not_ours() {
  return base::fail(
      "the attached program's maps are not this version's, or may not be read: run as root, or"
      " attach anew with this version of guideway-decap");
}

/// Calls visit(key) for each key of a map.
template <typename Key, typename Visit>
void for_each_key(int map, Visit visit) {
  Key key{};
  const Key* previous = nullptr;
  for (std::size_t i = 0; i <= 2 * kMaxEntries; ++i) {
    Key next{};
    if (bpf_map_get_next_key(map, previous, &next) != 0) return;
    visit(next);
    key = next;
    previous = &key;
  }
}

Result<std::vector<IpPrefix>> read_prefixes(int program, const char* name) {
  const FileDescriptor map =
      open_map(program, name, sizeof(gw_decap_prefix), sizeof(std::uint32_t));
  if (!map) return not_ours();
  std::vector<IpPrefix> prefixes;
  for_each_key<gw_decap_prefix>(map.get(), [&](const gw_decap_prefix& key) {
    prefixes.push_back(
        {address_of(key.address), static_cast<std::uint8_t>(key.prefix_length - kFamilyBits)});
  });
  std::sort(prefixes.begin(), prefixes.end());
  return prefixes;
}

}  // namespace

void Program::Closer::operator()(bpf_object* object) const { bpf_object__close(object); }

Result<Program> Program::load(const Settings& settings, int counters,
                              std::span<const unsigned char> object) {
  const bpf::LibbpfLog log;
  bpf_object_open_opts options{};
  options.sz = sizeof options;
  options.object_name = "gw_decap";
  Program program;
  program.object_.reset(bpf_object__open_mem(object.data(), object.size(), &options));
  if (!program.object_)
    return base::fail("the built-in BPF object cannot be read, please report: " + log.quote());
  bpf_object* opened = program.object_.get();
  if (auto done = prepare(opened, settings, counters); !done) return tl::unexpected(done.error());
  if (const int error = bpf_object__load(opened); error != 0) return load_error(-error, log);
  if (auto done = fill_prefixes(opened, kFromMap, settings.from); !done)
    return tl::unexpected(done.error());
  if (auto done = fill_prefixes(opened, kVipMap, settings.vips); !done)
    return tl::unexpected(done.error());
  if (auto done = fill_own(opened, settings); !done) return tl::unexpected(done.error());
  const std::string name(kProgramName);
  program.fd_ = bpf_program__fd(bpf_object__find_program_by_name(opened, name.c_str()));
  return program;
}

std::span<const Reason> reasons() { return kReasons; }

Result<Packets> read_packets(int program) {
  const FileDescriptor map = open_counters(program);
  const int cpus = libbpf_num_possible_cpus();
  if (!map || cpus <= 0) return not_ours();
  std::vector<gw_decap_counters> counters(static_cast<std::size_t>(cpus));
  const std::uint32_t key = 0;
  if (bpf_map_lookup_elem(map.get(), &key, counters.data()) != 0)
    return base::fail_errno("cannot read the counters", errno);
  Packets packets(GW_DECAP_REASON_COUNT);
  for (const gw_decap_counters& of_cpu : counters)
    for (std::size_t i = 0; i < packets.size(); ++i) packets[i] += of_cpu.packets[i];
  return packets;
}

Result<Settings> read_settings(int program) {
  const FileDescriptor map =
      open_map(program, kSettingsMap, sizeof(std::uint32_t), sizeof(gw_decap_settings));
  const FileDescriptor own =
      open_map(program, kOwnMap, sizeof(gw_decap_address), sizeof(std::uint32_t));
  gw_decap_settings values{};
  const std::uint32_t zero = 0;
  if (!map || !own || bpf_map_lookup_elem(map.get(), &zero, &values) != 0) return not_ours();
  const auto from = read_prefixes(program, kFromMap);
  const auto vips = read_prefixes(program, kVipMap);
  if (!from || !vips) return not_ours();

  Settings settings{*from, *vips, {}, {}, {}, values.gue_port, values.vxlan_port};
  settings.tunnels = {(values.tunnels & GW_DECAP_IPIP) != 0, (values.tunnels & GW_DECAP_GRE) != 0,
                      (values.tunnels & GW_DECAP_GUE) != 0, (values.tunnels & GW_DECAP_VXLAN) != 0};
  for_each_key<gw_decap_address>(own.get(), [&](const gw_decap_address& key) {
    std::uint32_t kind = 0;
    if (bpf_map_lookup_elem(own.get(), &key, &kind) != 0) return;
    settings.host.push_back(address_of(key));
    if ((kind & GW_DECAP_LOCAL) != 0) settings.local.push_back(address_of(key));
  });
  std::sort(settings.host.begin(), settings.host.end());
  std::sort(settings.local.begin(), settings.local.end());
  return settings;
}

FileDescriptor open_counters(int program) {
  return open_map(program, kCountMap, sizeof(std::uint32_t), sizeof(gw_decap_counters));
}

}  // namespace guideway::decap
