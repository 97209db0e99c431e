// SPDX-License-Identifier: Apache-2.0
#include <utility>

// Asio of Boost 1.74 needs <utility> before it.
#include "director.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <memory>
#include <vector>

#include "datapaths.h"
#include "guideway/admin/api.h"
#include "guideway/admin/http_server.h"
#include "guideway/base/privileges.h"
#include "guideway/base/version.h"
#include "guideway/config/config.h"
#include "guideway/control/controller.h"
#include "guideway/control/state_dir.h"
#include "guideway/metrics/loop_lag.h"
#include "guideway/metrics/metrics_server.h"
#include "guideway/metrics/render.h"
#include "guideway/netlink/host_addresses.h"
#include "guideway/netlink/monitor.h"
#include "instance_lock.h"
#include "run_loop.h"
#include "service_manager.h"
#include "signals.h"

namespace guideway::app {
namespace {

namespace asio = boost::asio;

/// Groups that may use the sockets.
constexpr const char* kReaders = "guideway-read";
constexpr const char* kWriters = "guideway";

/// `return` the error of a failed Result.
template <typename T>
tl::unexpected<Error> forward_error(const Result<T>& result) {
  return tl::unexpected<Error>(result.error());
}

std::vector<std::string> kernel_names(const datapath::Datapath& datapath) {
  std::vector<std::string> names;
  for (const auto& interface : datapath.status().interfaces) names.push_back(interface.kernel_name);
  return names;
}

Result<void> set_interfaces(netlink::HostAddresses& addresses, const model::Model& model,
                            const std::vector<std::string>& names) {
  for (std::size_t i = 0; i < names.size(); i++)
    if (auto set = addresses.set_interface(names[i], model.interfaces[i].addresses); !set)
      return set;
  return {};
}

control::LoadModel loader_of(const std::string& config_file) {
  return [config_file] { return config::load_file(config_file); };
}

/// What goes on without us keeps its VIPs: the kernel must go on answering ARP for them.
void end(const model::Director& director, datapath::Datapath& datapath,
         netlink::HostAddresses& addresses) {
  const bool keep = director.on_stop == model::OnStop::kKeep;
  if (keep && datapath.forwards_without_daemon()) {
    addresses.leave();
    spdlog::info("on_stop = \"keep\": the kernel goes on forwarding; guidewayd --detach ends it");
  } else {
    addresses.release();
  }
  datapath.stop(keep ? datapath::End::kKeep : datapath::End::kDetach);
}

/// Serves the metrics of `running`, which is there once the loop runs; null if they are off.
/// Figures are taken on the control thread, the text is made beside it.
Result<std::unique_ptr<metrics::MetricsServer>> serve_metrics(asio::io_context& loop,
                                                              const std::string& address,
                                                              control::Controller* const& running,
                                                              const metrics::LoopLag& lag) {
  if (address.empty()) return nullptr;
  return metrics::MetricsServer::open(
      loop, address, [&running, &lag](metrics::MetricsServer::Done done) {
        auto snapshot = std::make_shared<const metrics::Snapshot>(
            metrics::Snapshot{running->status(), lag.lag()});
        running->run_aside([snapshot] { return metrics::render(*snapshot); }, std::move(done));
      });
}

/// A reload has ended, well or not.
bool ends_reload(const events::Event& event) {
  return std::find(event.fields.begin(), event.fields.end(), base::Field("cause", "reload")) !=
         event.fields.end();
}

void report_start(control::Controller& controller) {
  const control::Status status = controller.status();
  controller.events().add(
      events::Kind::kStart, spdlog::level::info,
      fmt::format("guidewayd {} runs as director {}: datapath {}, {}, {}, {} worker(s)",
                  base::kVersion, status.director, status.datapath.kind, status.datapath.memory,
                  status.datapath.distribution, status.datapath.workers.size()),
      {{"version", base::kVersion},
       {"director", status.director},
       {"datapath", status.datapath.kind},
       {"generation", status.generation},
       {"change_id", status.change_id}});
}

std::string summary(const control::Controller& controller) {
  return fmt::format("director {}, generation {}", controller.model().director.name,
                     controller.status().generation);
}

}  // namespace

Result<void> run(const config::LoadResult& file, const std::string& config_file) {
  const model::Model& model = *file.model;
  if (auto allowed = base::require_network_privileges(); !allowed) return allowed;
  auto lock = InstanceLock::take(model.director.name);
  if (!lock) return forward_error(lock);
  auto state_dir = control::StateDir::open(model.director.state_dir);
  if (!state_dir) return forward_error(state_dir);
  auto seed = model.director.hash_seed ? Result<model::HashSeed>(*model.director.hash_seed)
                                       : state_dir->hash_seed();
  if (!seed) return forward_error(seed);

  asio::io_context loop(1);
  control::Controller* running = nullptr;
  ServiceManager manager(loop);
  const Signals signals(loop, [&running, &manager] {
    manager.reloading();
    running->reload();
  });
  // Before anything of the host is touched: a second daemon on this socket fails here. Nothing is
  // answered before the loop runs.
  std::unique_ptr<admin::Api> read_api;
  std::unique_ptr<admin::Api> write_api;
  const auto answers = [](const std::unique_ptr<admin::Api>& api) {
    return [&api](admin::Request request, admin::Respond respond) {
      api->handle(std::move(request), std::move(respond));
    };
  };
  auto reader =
      admin::HttpServer::open(loop, model.admin.status_socket, kReaders, answers(read_api));
  if (!reader) return forward_error(reader);
  auto writer = admin::HttpServer::open(loop, model.admin.socket, kWriters, answers(write_api));
  if (!writer) return forward_error(writer);
  const metrics::LoopLag lag(loop);
  auto metrics_server = serve_metrics(loop, model.admin.metrics, running, lag);
  if (!metrics_server) return forward_error(metrics_server);

  auto datapath = start_datapath(model, *seed);
  if (!datapath) return forward_error(datapath);
  auto owned = netlink::OwnedAddresses::open(model.director.state_dir);
  if (!owned) return forward_error(owned);
  auto addresses = netlink::HostAddresses::open(std::move(*owned));
  if (!addresses) return forward_error(addresses);
  const std::vector<std::string> names = kernel_names(**datapath);
  if (auto set = set_interfaces(**addresses, model, names); !set) return set;
  auto monitor = netlink::Monitor::open(names);
  if (!monitor) return forward_error(monitor);

  control::Controller controller({loop, **datapath, **monitor, **addresses, names, &*state_dir},
                                 file, *seed, loader_of(config_file));
  running = &controller;
  read_api = std::make_unique<admin::Api>(controller, admin::Access::kRead);
  write_api = std::make_unique<admin::Api>(controller, admin::Access::kWrite);
  if (auto started = controller.start(); !started) return started;
  if (auto dropped = base::drop_privileges(base::Keep::kNetwork); !dropped) return dropped;

  report_start(controller);
  const auto reloads = controller.events().subscribe([&](const events::Event& event) {
    if (ends_reload(event)) manager.ready(summary(controller));
  });
  manager.ready(summary(controller));
  run_loop(loop);
  manager.stopping();
  controller.save_at_end();
  end(controller.model().director, **datapath, **addresses);
  return {};
}

Result<void> detach(const model::Model& model) {
  if (auto allowed = base::require_network_privileges(); !allowed) return allowed;
  auto lock = InstanceLock::take(model.director.name);
  if (!lock) return forward_error(lock);
  auto state_dir = control::StateDir::open(model.director.state_dir);
  if (!state_dir) return forward_error(state_dir);
  auto owned = netlink::OwnedAddresses::open(model.director.state_dir);
  if (!owned) return forward_error(owned);
  const bool had_addresses = !owned->all().empty();
  auto addresses = netlink::HostAddresses::open(std::move(*owned));
  if (!addresses) return forward_error(addresses);
  // The programs first: if they stay, so do the addresses that they serve.
  const auto had_tables = detach_datapath(model.director);
  if (!had_tables) return forward_error(had_tables);
  (*addresses)->release();
  if (!*had_tables && !had_addresses)
    return base::fail("director " + model.director.name + " has left nothing: no pins in " +
                      model.director.pin_dir + ", no flow table in " + model.director.flow_dir +
                      ", no addresses");
  return {};
}

}  // namespace guideway::app
