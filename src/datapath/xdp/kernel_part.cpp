// SPDX-License-Identifier: Apache-2.0
#include "guideway/datapath/xdp/kernel_part.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <set>
#include <utility>

#include "guideway/base/clock.h"
#include "guideway/bpf/kernel.h"
#include "guideway/bpf/loaded.h"

namespace guideway::datapath::xdp {
namespace {

/// Its helpers, and what the verifier proves: the oldest that is tested.
constexpr bpf::OldestKernel kOldestKernel = {6, 1, "the XDP program needs 6.1 or later"};

std::string sockets_pin(const std::string& device) { return "xsks-" + device; }

}  // namespace

Result<std::unique_ptr<KernelPart>> KernelPart::open(const KernelOptions& options) {
  if (options.interfaces.size() > GW_MAX_INTERFACES) {
    return base::fail("at most " + std::to_string(GW_MAX_INTERFACES) +
                      " interfaces are possible in the XDP program");
  }
  if (auto checked = bpf::check_running_kernel(kOldestKernel); !checked)
    return tl::unexpected(checked.error());
  auto pins = PinDir::open(options.pin_dir, options.director);
  if (!pins) return tl::unexpected(pins.error());
  std::unique_ptr<KernelPart> part(new KernelPart(options, std::move(*pins)));
  for (std::string& name : part->pins_.names()) part->found_.insert(std::move(name));
  auto done = part->look_at_interfaces()
                  .and_then([&] { return part->find_attachments(); })
                  .and_then([&] { return part->open_flows(); })
                  .and_then([&] { return part->load_programs(); });
  if (!done) return tl::unexpected(done.error());
  return part;
}

/// Without stop(): a start that failed. What was there goes on, what is new goes.
KernelPart::~KernelPart() {
  if (found_.empty()) stop(End::kDetach);
  if (std::exchange(stopped_, true)) return;
  for (Interface& each : interfaces_)
    if (each.attachment && !each.attachment->adopted()) each.attachment->let_go();
  for (const std::string& name : pins_.names())
    if (!found_.contains(name) && !links_own_device(name)) pins_.remove(name);
}

/// Whether the pin is the link of a configured device, under whatever device's name.
bool KernelPart::links_own_device(const std::string& pin) const {
  const auto object = pins_.get(pin);
  const auto link = object && *object ? bpf::xdp_link(object->get()) : std::nullopt;
  return link && std::any_of(interfaces_.begin(), interfaces_.end(), [&](const Interface& each) {
           return static_cast<unsigned>(each.facts.index) == link->interface_index;
         });
}

Result<void> KernelPart::look_at_interfaces() {
  for (const KernelInterface& each : options_.interfaces) {
    auto facts = look_at(each.name, each.device);
    if (!facts) return tl::unexpected(facts.error());
    interfaces_.push_back({each, std::move(*facts), {}, {}, false});
  }
  return {};
}

Result<void> KernelPart::find_attachments() {
  for (Interface& each : interfaces_) {
    auto found =
        Attachment::find(pins_, each.options.device, each.facts, each.options.replace_program);
    if (!found) return base::fail("interface " + each.options.name + ": " + found.error().message);
    each.attachment = std::move(*found);
  }
  return {};
}

unsigned KernelPart::queues() const {
  unsigned most = 1;
  for (const Interface& each : interfaces_) most = std::max(most, each.facts.rx_queues);
  return std::min(most, GW_MAX_SHARDS);
}

Result<void> KernelPart::open_flows() {
  auto flows = FlowStore::open(store_, {options_.director, flow_shape_for(options_.flows, queues()),
                                        options_.hash_seed, options_.backends});
  if (!flows) return tl::unexpected(flows.error());
  flows_ = std::move(*flows);
  auto nat = NatStore::open(store_, options_.nat_addresses, flows_->adopted().has_value());
  if (!nat) return tl::unexpected(nat.error());
  nat_ = std::move(*nat);
  const FlowShape wanted = flow_shape_for(options_.flows, flows_->shape().shards);
  if (wanted != flows_->shape()) {
    spdlog::warn(
        "the adopted flow table keeps its size, {} buckets: capacity.flows takes effect when "
        "nothing is adopted (guidewayd --detach, then start)",
        flows_->view().buckets.size());
  }
  return {};
}

/// The sockets' map of an earlier daemon; empty when there is none, or it is no such map. The
/// attached program's own comes first: workers' sockets join that program's map, so the new program
/// must have the same one, whatever is pinned.
base::FileDescriptor KernelPart::adopted_sockets(const Interface& interface) const {
  if (interface.attachment->adopted()) {
    const base::FileDescriptor program(
        bpf_prog_get_fd_by_id(interface.attachment->adopted_program()));
    auto maps = bpf::maps_of(program.get());
    const auto found = maps ? maps->find("xsks_map") : bpf::OpenMaps::iterator();
    if (maps && found != maps->end() && BalancerObject::is_sockets_map(found->second.fd.get()))
      return std::move(found->second.fd);
  }
  const std::string pin = sockets_pin(interface.options.device);
  auto sockets = pins_.get(pin);
  if (sockets && !*sockets) return {};
  if (sockets && BalancerObject::is_sockets_map(sockets->get())) return std::move(*sockets);
  spdlog::warn("the pin {} is no map of AF_XDP sockets: it is made anew", pins_.path_of(pin));
  return {};
}

/// The maps that a program shares with others: those of the first program, the flow table, and the
/// sockets of an earlier daemon, so that a socket joins the old program and the new one at once.
BalancerObject::Maps KernelPart::existing_maps(std::size_t interface) const {
  BalancerObject::Maps maps;
  if (interface != 0) maps = interfaces_.front().program->shared_maps();
  maps["gw_buckets"] = flows_->flows_fd();
  if (nat_->fd() >= 0) maps["gw_nat_buckets"] = nat_->fd();
  if (sockets_[interface]) maps["xsks_map"] = sockets_[interface].get();
  return maps;
}

Result<void> KernelPart::load_programs() {
  if (libbpf_num_possible_cpus() < 1)
    return base::fail(
        "cannot read the number of CPUs from /sys/devices/system/cpu: is /sys mounted?");
  gw_limits limits = limits_for({options_.services, options_.pools, options_.slots,
                                 options_.backends, flows_->shape(), nat_->view().planes});
  limits.hand_over = options_.hand_over ? 1 : 0;
  for (std::size_t i = 0; i < interfaces_.size(); i++) {
    limits.interface_index = static_cast<std::uint32_t>(i);
    sockets_.push_back(adopted_sockets(interfaces_[i]));
    auto program = BalancerObject::load(options_.director, limits, existing_maps(i));
    if (!program) return tl::unexpected(program.error());
    interfaces_[i].program = std::move(*program);
    if (auto pinned = pin_sockets(i); !pinned) return pinned;
  }
  for (std::uint32_t i = 0; i < interfaces_.size(); i++) {
    const auto ifindex = static_cast<std::uint32_t>(interfaces_[i].facts.index);
    if (auto set = interfaces_.front().program->set_device(i, ifindex); !set) return set;
  }
  return map_tables(limits);
}

Result<void> KernelPart::pin_sockets(std::size_t interface) {
  const Interface& each = interfaces_[interface];
  return pins_.put(each.program->map_fd("xsks_map"), sockets_pin(each.options.device));
}

Result<void> KernelPart::map_tables(const gw_limits& limits) {
  const BalancerObject& object = *interfaces_.front().program;
  auto copies = CopyMaps::of(object, limits);
  if (!copies) return tl::unexpected(copies.error());
  auto counters = ProgramCounters::rows_of(object, limits);
  if (!counters) return tl::unexpected(counters.error());
  tables_ = std::make_unique<TableCopies>(std::move(*copies));
  counters_ = std::make_unique<ProgramCounters>(std::move(*counters));
  return object.map_into(heartbeats_, "gw_heartbeats", GW_MAX_SHARDS);
}

Result<void> KernelPart::put(Interface& interface) {
  auto done = interface.attachment->put(pins_, interface.program->program_fd());
  if (!done) return base::fail("interface " + interface.options.name + ": " + done.error().message);
  interface.switched_over = true;
  return {};
}

Result<void> KernelPart::attach() {
  for (Interface& each : interfaces_) {
    if (each.attachment->adopted()) continue;
    if (auto done = put(each); !done) return done;
  }
  return {};
}

Result<void> KernelPart::prepare(const compile::ForwardingStatePtr& state) {
  if (auto done = tables_->prepare(state); !done) return done;
  if (auto done = store_.carry_out(); !done) return done;
  // Before any packet makes an entry with a new id.
  flows_->write_identities(state->generation(), state->ids);
  nat_->note(*state);
  return {};
}

TablesPtr KernelPart::publish(const compile::ForwardingStatePtr& state) {
  return tables_->publish(state);
}

void KernelPart::switch_over() {
  if (std::exchange(all_switched_over_, true)) return;
  for (Interface& each : interfaces_) {
    if (each.switched_over) continue;
    // The earlier daemon's program and tables go on if it fails.
    if (auto done = put(each); !done) {
      all_switched_over_ = false;
      spdlog::critical("{}; its earlier program and tables go on, the next change tries again",
                       done.error().message);
    }
  }
  forget_other_devices();
}

/// Takes off the programs of devices that are not configured any more.
void KernelPart::forget_other_devices() {
  std::set<std::string> known = {pins_.path_of(FlowStore::kFlows), pins_.path_of(FlowStore::kKept),
                                 pins_.path_of(NatStore::kNat)};
  for (const Interface& each : interfaces_) {
    known.insert(pins_.path_of(Attachment::pin_name(each.options.device)));
    known.insert(pins_.path_of(sockets_pin(each.options.device)));
  }
  for (const std::string& name : pins_.names()) {
    const std::string path = pins_.path() + "/" + name;
    if (known.contains(path)) continue;
    if (links_own_device(name)) {
      // Renamed since; its link is pinned under the new name, too, unless put() failed.
      if (all_switched_over_) pins_.forget(name);
      continue;
    }
    spdlog::info("removed the pin {}: it is not configured any more", path);
    pins_.remove(name);
  }
}

void KernelPart::reclaim() {
  tables_->write_alive(base::coarse_now_s());
  tables_->reclaim();
}

std::vector<InterfaceStatus> KernelPart::interface_status() const {
  std::vector<InterfaceStatus> all;
  for (const Interface& each : interfaces_) {
    InterfaceStatus status;
    const auto now = look_at(each.options.name, each.options.device);
    const HostInterface& facts = now ? *now : each.facts;
    status.name = each.options.name;
    status.device = each.options.device;
    status.driver = facts.driver + ", XDP " + each.attachment->mode() +
                    (each.switched_over ? "" : ", still an earlier daemon's program");
    status.kernel_name = each.options.device;
    status.mac = facts.mac.to_string();
    status.mtu = facts.mtu;
    status.link_up = now && facts.up;
    status.rx_queues = facts.rx_queues;
    all.push_back(std::move(status));
  }
  return all;
}

void KernelPart::stop(End end) {
  if (std::exchange(stopped_, true) || end == End::kKeep) return;
  for (Interface& each : interfaces_)
    if (each.attachment) each.attachment->detach(pins_);
  pins_.remove_all();
}

Result<bool> detach(const std::string& pin_dir, const std::string& director) {
  if (!PinDir::exists(pin_dir, director)) return false;
  auto pins = PinDir::find(pin_dir, director);
  if (!pins) return tl::unexpected(pins.error());
  if (pins->in_use())
    return base::fail("a guidewayd uses the pins in " + pins->path() +
                      ", perhaps in another network namespace: stop it first");
  pins->remove_all();  // nobody else holds the links and maps
  return true;
}

}  // namespace guideway::datapath::xdp
