// SPDX-License-Identifier: Apache-2.0
#include "guideway/datapath/dpdk/dpdk_datapath.h"

#include <algorithm>
#include <atomic>
#include <optional>
#include <set>
#include <utility>

#include "guideway/base/clock.h"
#include "guideway/datapath/counters.h"
#include "guideway/datapath/deferred_store.h"
#include "guideway/datapath/dpdk/buffer_pool.h"
#include "guideway/datapath/dpdk/device.h"
#include "guideway/datapath/dpdk/eal.h"
#include "guideway/datapath/dpdk/flow_table_memory.h"
#include "guideway/datapath/dpdk/kernel_path.h"
#include "guideway/datapath/dpdk/outbox.h"
#include "guideway/datapath/dpdk/plan.h"
#include "guideway/datapath/dpdk/port.h"
#include "guideway/datapath/dpdk/publish.h"
#include "guideway/datapath/dpdk/worker_thread.h"
#include "guideway/datapath/file_store.h"
#include "guideway/datapath/flow_store.h"
#include "guideway/datapath/nat_store.h"

namespace guideway::datapath::dpdk {
namespace {

/// REQUIRES: of one size.
void subtract_all(std::vector<gw_traffic>& from, const std::vector<gw_traffic>& what) {
  for (std::size_t i = 0; i < from.size(); i++) subtract(from[i], what[i]);
}

// EAL, port names and CPUs belong to the process; two datapaths would fight over them.
std::atomic<bool> running_in_this_process{false};

/// Gives the process's place free when it goes.
class OnlyOne {
 public:
  OnlyOne() : mine_(!running_in_this_process.exchange(true)) {}
  ~OnlyOne() {
    if (mine_) running_in_this_process.store(false);
  }
  OnlyOne(const OnlyOne&) = delete;
  OnlyOne& operator=(const OnlyOne&) = delete;
  bool mine() const { return mine_; }

 private:
  const bool mine_;
};

class Running : public DpdkDatapath {
 public:
  explicit Running(const Options& options) : options_(options) {}
  ~Running() override { stop(adopted() ? End::kKeep : End::kDetach); }

  /// The steps of start(), in order. After an error the destructor undoes what was done.
  Result<void> start_all();

  const std::optional<KeptFlows>& adopted() const override;
  Result<void> prepare(const compile::ForwardingStatePtr& state) override;
  void publish(compile::ForwardingStatePtr state) override {
    published_->publish(std::move(state));
  }
  void publish_tables(TablesPtr tables) override { published_->publish(std::move(tables)); }
  bool grace_passed(std::uint64_t generation) const override {
    return published_->grace_passed(generation);
  }
  void reclaim() override { published_->reclaim(); }
  FlowTableView flow_table() override { return flow_table_; }
  NatTableView nat_table() override { return nat_table_; }
  compile::NatIds nat_ids() override { return read_nat_ids(nat_table_); }
  std::uint32_t now_s() const override { return base::coarse_now_s(); }
  void forget_backend_traffic(std::uint16_t id) override;
  void forget_service_traffic(std::uint16_t id) override;
  std::vector<std::span<gw_traffic>> backend_rows() override;
  DatapathStatus status() const override;
  bool forwards_without_daemon() const override { return false; }
  void stop(End end) override;

 private:
  Result<void> choose_workers();
  Result<void> parse_devices();
  Result<void> start_environment();
  Result<void> open_ports();
  Result<void> open_flow_table();
  Result<void> make_buffers_and_rings();
  Result<void> start_ports();
  Result<void> open_kernel_side();
  Result<void> start_workers();
  std::vector<PortFacts> port_facts() const;
  Worker::Setup setup_of(unsigned worker);
  void stop_workers();
  void remember_interfaces();
  InterfaceStatus interface_status(std::size_t index) const;

  const Options options_;
  OnlyOne place_;
  std::vector<unsigned> cpus_;
  std::vector<std::vector<Device>> devices_;  // [interface]: one, or one a worker
  EalMemory memory_;
  std::string distribution_;

  // In the order in which they are made; each uses the ones before it.
  std::optional<FileStore> flow_files_;
  std::optional<DeferredStore> store_;  // flow_files_, until the first prepare()
  std::optional<FlowStore> kept_flows_;
  std::optional<FlowTableMemory> own_flows_;
  FlowTableView flow_table_;  // of whichever of them there is
  std::optional<NatStore> kept_nat_;
  std::vector<gw_nat_bucket> own_nat_;
  NatTableView nat_table_;  // likewise
  std::unique_ptr<PublishedState> published_;
  std::optional<BufferPool> pool_;
  std::vector<Ring> outboxes_;  // [interface]
  std::unique_ptr<Distributor> distributor_;
  std::vector<std::vector<std::unique_ptr<Port>>> ports_;  // as devices_
  std::unique_ptr<KernelSide> kernel_side_;
  KernelPath* kernel_path_ = nullptr;  // kernel_side_, when it is one
  std::vector<std::unique_ptr<WorkerThread>> workers_;

  /// What was counted for a backend id under its earlier meanings.
  // By id: counted before the id got its present meaning.
  std::vector<gw_traffic> forgotten_backends_;
  std::vector<gw_traffic> forgotten_services_;
  std::vector<InterfaceStatus> last_interfaces_;  // once stopped
  bool stopped_ = false;
};

Result<void> Running::start_all() {
  if (!place_.mine()) {
    return base::fail("a DPDK datapath runs in this process already; stop it first");
  }
  using Step = Result<void> (Running::*)();
  constexpr Step kSteps[] = {
      &Running::choose_workers, &Running::parse_devices,    &Running::start_environment,
      &Running::open_ports,     &Running::open_flow_table,  &Running::make_buffers_and_rings,
      &Running::start_ports,    &Running::open_kernel_side, &Running::start_workers,
  };
  for (Step step : kSteps) {
    if (auto done = (this->*step)(); !done) return done;
  }
  return {};
}

Result<void> Running::choose_workers() {
  auto cpus = choose_cpus(options_.worker_cpus, allowed_cpus(), kMaxAutomaticWorkers);
  if (!cpus) return tl::unexpected(cpus.error());
  cpus_ = std::move(*cpus);
  return {};
}

Result<void> Running::parse_devices() {
  if (options_.interfaces.empty()) {
    return base::fail("the configuration names no interface; add an [[interface]] table");
  }
  std::set<std::string> seen;
  for (std::size_t i = 0; i < options_.interfaces.size(); i++) {
    const InterfaceOptions& interface = options_.interfaces[i];
    devices_.emplace_back();
    std::vector<std::string> wanted{interface.device};
    if (options_.beside) wanted = options_.beside->devices[i];
    for (const std::string& text : wanted) {
      auto device = parse_device(interface.name, text);
      if (!device) return tl::unexpected(device.error());
      if (!seen.insert(device->name).second) {
        return base::fail("interface " + interface.name + ": the device " + device->name +
                          " belongs to another interface already; each needs its own");
      }
      devices_.back().push_back(std::move(*device));
    }
  }
  return {};
}

Result<void> Running::start_environment() {
  EalOptions eal;
  eal.director = options_.director;
  eal.worker_cpus = cpus_;
  eal.extra_arguments = options_.eal_arguments;
  eal.memory_mb =
      memory_mb_for({static_cast<unsigned>(devices_.size()), static_cast<unsigned>(cpus_.size())});
  for (const auto& interface : devices_) {
    for (const Device& device : interface)
      if (device.bus == Device::Bus::kPci) eal.pci_addresses.push_back(device.name);
  }
  auto memory = start_eal(eal);
  if (!memory) return tl::unexpected(memory.error());
  memory_ = std::move(*memory);
  return {};
}

Result<void> Running::open_ports() {
  for (std::size_t i = 0; i < devices_.size(); i++) {
    const auto queues = options_.beside ? 1 : static_cast<unsigned>(cpus_.size());
    ports_.emplace_back();
    for (const Device& device : devices_[i]) {
      auto port = Port::open(options_.interfaces[i].name, device, queues);
      if (!port) return tl::unexpected(port.error());
      ports_.back().push_back(std::move(*port));
    }
  }
  return {};
}

/// The XDP program's, one in files that outlive this process, or one of its own.
Result<void> Running::open_flow_table() {
  const auto workers = static_cast<unsigned>(cpus_.size());
  if (options_.beside) {
    flow_table_ = options_.beside->flow_table;
    nat_table_ = options_.beside->nat_table;
    return {};
  }
  if (options_.flow_dir.empty()) {
    auto table = FlowTableMemory::make(options_.flows, workers);
    if (!table) return tl::unexpected(table.error());
    own_flows_.emplace(std::move(*table));
    flow_table_ = own_flows_->view();
    own_nat_.resize(std::size_t{options_.nat_addresses} * GW_NAT_PLANE);
    nat_table_ = {own_nat_, options_.nat_addresses};
    return {};
  }
  auto files = FileStore::open_directory(options_.flow_dir + "/" + options_.director,
                                         options_.director, FileStore::find_huge_mount());
  if (!files) return tl::unexpected(files.error());
  flow_files_ = std::move(*files);
  store_.emplace(*flow_files_);
  auto flows = FlowStore::open(*store_, {options_.director, flow_shape_for(options_.flows, workers),
                                         options_.hash_seed, options_.backends});
  if (!flows) return tl::unexpected(flows.error());
  kept_flows_ = std::move(*flows);
  flow_table_ = kept_flows_->view();
  memory_.description += "; flow table: " + kept_flows_->pages();
  auto nat = NatStore::open(*store_, options_.nat_addresses, kept_flows_->adopted().has_value());
  if (!nat) return tl::unexpected(nat.error());
  kept_nat_ = std::move(*nat);
  nat_table_ = kept_nat_->view();
  return {};
}

const std::optional<KeptFlows>& Running::adopted() const {
  static const std::optional<KeptFlows> kNothing;
  return kept_flows_ ? kept_flows_->adopted() : kNothing;
}

Result<void> Running::prepare(const compile::ForwardingStatePtr& state) {
  if (auto room = published_->has_room(); !room) return room;
  if (store_)
    if (auto done = store_->carry_out(); !done) return done;
  // Before any packet makes an entry with a new id.
  if (kept_flows_) kept_flows_->write_identities(state->generation(), state->ids);
  if (kept_nat_) kept_nat_->note(*state);
  return {};
}

Result<void> Running::make_buffers_and_rings() {
  const auto workers = static_cast<unsigned>(cpus_.size());
  published_ = std::make_unique<PublishedState>(workers);
  PoolSize size{static_cast<unsigned>(ports_.size()), workers};
  for (const auto& interface : ports_)
    for (const auto& port : interface) size.largest_mtu = std::max(size.largest_mtu, port->mtu());
  auto pool = BufferPool::make(size);
  if (!pool) return tl::unexpected(pool.error());
  pool_.emplace(std::move(*pool));
  for (std::size_t i = 0; i < ports_.size(); i++) {
    auto outbox = make_outbox(i);
    if (!outbox) return tl::unexpected(outbox.error());
    outboxes_.push_back(std::move(*outbox));
  }
  distribution_ = describe_distribution(port_facts(), workers);
  if (!needs_distributor(port_facts(), workers)) return {};
  auto distributor = Distributor::make(workers);
  if (!distributor) return tl::unexpected(distributor.error());
  distributor_ = std::move(*distributor);
  return {};
}

Result<void> Running::start_ports() {
  for (auto& interface : ports_) {
    for (auto& port : interface)
      if (auto done = port->start(pool_->get()); !done) return done;
  }
  return {};
}

Result<void> Running::open_kernel_side() {
  if (options_.kernel_side == KernelSideKind::kNone) {
    kernel_side_ = std::make_unique<NoKernelSide>();
    return {};
  }
  std::vector<KernelPath::Interface> interfaces;
  for (std::size_t i = 0; i < ports_.size(); i++) {
    interfaces.push_back({options_.interfaces[i].name, ports_[i].front()->mac(),
                          ports_[i].front()->mtu(), &outboxes_[i]});
  }
  auto path = KernelPath::open(interfaces, pool_->get());
  if (!path) return tl::unexpected(path.error());
  kernel_path_ = path->get();
  kernel_side_ = std::move(*path);
  return {};
}

Result<void> Running::start_workers() {
  forgotten_backends_.resize(options_.backends);
  forgotten_services_.resize(options_.services);
  for (unsigned i = 0; i < cpus_.size(); i++) {
    gw_heartbeat* heartbeat = options_.beside ? &options_.beside->heartbeats[i] : nullptr;
    workers_.push_back(
        std::make_unique<WorkerThread>(setup_of(i), cpus_[i], options_.idle, heartbeat));
  }
  for (auto& worker : workers_) {
    if (auto done = worker->start(); !done) return done;
  }
  return {};
}

std::vector<PortFacts> Running::port_facts() const {
  std::vector<PortFacts> facts;
  for (std::size_t i = 0; i < ports_.size(); i++) {
    const Port& port = *ports_[i].front();
    facts.push_back({options_.interfaces[i].name, port.id(), port.rx_queues(), port.tx_queues(),
                     port.has_rss(), port.longest_frame()});
    if (options_.beside) {
      // A device for each queue.
      facts.back().rx_queues = facts.back().tx_queues = static_cast<unsigned>(ports_[i].size());
      facts.back().rss = true;
    }
  }
  return facts;
}

Worker::Setup Running::setup_of(unsigned worker) {
  Worker::Setup setup;
  setup.index = worker;
  const std::vector<PortFacts> facts = port_facts();
  for (std::size_t i = 0; i < facts.size(); i++) {
    setup.interfaces.push_back(assign(facts[i], worker, static_cast<unsigned>(cpus_.size())));
    WorkerInterface& own = setup.interfaces.back();
    own.outbox = &outboxes_[i];
    if (options_.beside) {
      own.port_id = ports_[i][worker]->id();
      own.rx_queue = 0;
      own.tx_queue = 0;
    }
  }
  setup.flow_table = flow_table_;
  setup.nat_table = nat_table_;
  setup.backends = options_.backends;
  setup.services = options_.services;
  setup.pools = options_.pools;
  setup.published = published_.get();
  setup.kernel = kernel_side_.get();
  setup.distributor = distributor_.get();
  return setup;
}

/// Workers own their counters, so nothing is zeroed: what there is so far is subtracted from now
/// on.
void Running::forget_backend_traffic(std::uint16_t id) {
  if (id >= forgotten_backends_.size()) return;
  forgotten_backends_[id] = {};
  for (const auto& worker : workers_)
    add(forgotten_backends_[id], worker->worker().counters().backend(id));
}

void Running::forget_service_traffic(std::uint16_t id) {
  if (id >= forgotten_services_.size()) return;
  forgotten_services_[id] = {};
  for (const auto& worker : workers_)
    add(forgotten_services_[id], worker->worker().counters().service(id));
}

std::vector<std::span<gw_traffic>> Running::backend_rows() {
  std::vector<std::span<gw_traffic>> rows;
  for (const auto& worker : workers_) rows.push_back(worker->worker().backend_row());
  return rows;
}

DatapathStatus Running::status() const {
  DatapathStatus status;
  status.kind = "dpdk";
  status.memory = memory_.description;
  status.distribution = distribution_;
  status.interfaces = last_interfaces_;
  if (!stopped_) {
    for (std::size_t i = 0; i < ports_.size(); i++)
      status.interfaces.push_back(interface_status(i));
  }
  for (const auto& worker : workers_) {
    const WorkerCounters& counters = worker->worker().counters();
    status.workers.push_back({"worker", worker->cpu(), worker->shard(), counters.snapshot(),
                              worker->time().busy_ns(), worker->time().total_ns()});
    counters.add_backends_to(status.backends);
    counters.add_services_to(status.services);
  }
  subtract_all(status.backends, forgotten_backends_);
  subtract_all(status.services, forgotten_services_);
  return status;
}

InterfaceStatus Running::interface_status(std::size_t index) const {
  const Port& port = *ports_[index].front();
  InterfaceStatus status;
  status.name = options_.interfaces[index].name;
  status.device = options_.interfaces[index].device;
  status.driver = port.driver();
  status.mac = port.mac().to_string();
  status.mtu = port.mtu();
  status.link_up = port.link_up();
  status.rx_queues = port.rx_queues();
  if (kernel_path_) {
    status.kernel_name = KernelPath::tap_name(status.name);
    status.kernel = kernel_path_->traffic(static_cast<unsigned>(index));
  }
  return status;
}

void Running::stop_workers() {
  for (auto& worker : workers_) worker->ask_to_stop();
  for (auto& worker : workers_) worker->join();
}

/// Backwards through start_all(). Counters, flow table and the last status stay readable.
void Running::stop(End end) {
  if (stopped_) return;
  stop_workers();
  for (std::size_t i = 0; kernel_side_ && i < ports_.size(); i++) {
    last_interfaces_.push_back(interface_status(i));
    last_interfaces_.back().link_up = false;
  }
  stopped_ = true;
  if (kernel_path_) kernel_path_->stop();
  ports_.clear();
  if (flow_files_ && end == End::kDetach) flow_files_->remove_all();
}

}  // namespace

Result<std::unique_ptr<DpdkDatapath>> DpdkDatapath::start(const Options& options) {
  auto datapath = std::make_unique<Running>(options);
  if (auto done = datapath->start_all(); !done) return tl::unexpected(done.error());
  return datapath;
}

}  // namespace guideway::datapath::dpdk
