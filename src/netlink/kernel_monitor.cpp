// SPDX-License-Identifier: Apache-2.0
#include "guideway/netlink/kernel_monitor.h"

#include <linux/rtnetlink.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "guideway/netlink/parse.h"

namespace guideway::netlink {
namespace {

// Bounds of one step, so that it stays well under the 10 ms that the control loop allows. Requests
// are bounded by time, because asking for a neighbour includes sending the packet that asks.
constexpr std::size_t kNotificationsPerStep = 1024;  // about 2 µs each
constexpr std::chrono::milliseconds kStepTime{4};
constexpr std::size_t kBatch = 16;  // requests between two looks at the clock

/// A burst of more broadcasts than this a second is unkind to a segment.
constexpr std::size_t kAsksPerTick = 1000;

/// Ticks (seconds) in which every route is looked up once, changed or not.
constexpr std::size_t kTurnTicks = 60;

const std::vector<int> kGroups = {
    RTNLGRP_LINK,        RTNLGRP_NEIGH,      RTNLGRP_IPV4_IFADDR,
    RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE,
    RTNLGRP_IPV4_RULE,   RTNLGRP_IPV6_RULE,  RTNLGRP_NEXTHOP,
};

/// Errors that say "not now": the link went down or away, or the neighbour cannot be asked for. A
/// notification or the next tick comes back to it.
bool passes_by_itself(int error) {
  return error == ENETDOWN || error == ENODEV || error == ENXIO || error == EINVAL ||
         error == EADDRNOTAVAIL;
}

}  // namespace

Result<std::unique_ptr<Monitor>> Monitor::open(const std::vector<std::string>& kernel_names) {
  auto notifications = Socket::open_for_notifications(kGroups);
  if (!notifications) return tl::unexpected(notifications.error());
  auto requests = Socket::open_for_requests();
  if (!requests) return tl::unexpected(requests.error());
  auto readiness = Readiness::open(notifications->fd());
  if (!readiness) return tl::unexpected(readiness.error());
  auto monitor = std::make_unique<KernelMonitor>(kernel_names, std::move(*notifications),
                                                 std::move(*requests), std::move(*readiness));
  if (auto read = monitor->read_all(); !read) return tl::unexpected(read.error());
  for (const std::string& name : kernel_names) {
    if (!monitor->has_link_named(name)) {
      return base::fail("there is no interface " + name +
                        ": create it, or correct its name in the configuration");
    }
  }
  return monitor;
}

KernelMonitor::KernelMonitor(const std::vector<std::string>& kernel_names, Socket notifications,
                             Socket requests, Readiness readiness)
    : tables_(kernel_names),
      notifications_(std::move(notifications)),
      requests_(std::move(requests)),
      readiness_(std::move(readiness)),
      ask_budget_(kAsksPerTick) {}

KernelMonitor::~KernelMonitor() {
  for (const NeighbourKey& neighbour : made_) release(neighbour);
}

Result<void> KernelMonitor::read_all() {
  std::vector<Link> links;
  auto read = dump(requests_, RTM_GETLINK, [&](const nlmsghdr& message) {
    if (auto link = parse_link(message)) links.push_back(std::move(*link));
  });
  if (!read) return read;
  std::vector<Neighbour> neighbours;
  read = dump(requests_, RTM_GETNEIGH, [&](const nlmsghdr& message) {
    if (auto neighbour = parse_neighbour(message)) neighbours.push_back(*neighbour);
  });
  if (!read) return read;
  tables_.replace_links(links);
  tables_.replace_neighbours(neighbours);
  routes_.all_changed();
  return {};
}

Result<void> KernelMonitor::on_readable() {
  const auto received = notifications_.receive(
      kNotificationsPerStep, [this](const nlmsghdr& message) { on_notification(message); });
  if (!received) return tl::unexpected(received.error());
  if (*received == Socket::Received::kLost) {
    // What is still queued is older than what the listing will say.
    notifications_.discard();
    reread_due_ = true;
    if (auto read = reread_if_due(); !read) return read;
  }
  return step();
}

Result<void> KernelMonitor::reread_if_due() {
  if (!reread_due_) return {};
  if (auto read = read_all(); !read) return read;
  reread_due_ = false;
  host_events_ = {.address_lost = true, .address_found = true, .link_up = true};
  return {};
}

Result<void> KernelMonitor::watch(std::set<IpAddress> addresses) {
  tables_.watch(addresses);
  routes_.watch(std::move(addresses));
  return step();
}

Result<void> KernelMonitor::tick() {
  ask_budget_ = kAsksPerTick;
  if (auto read = reread_if_due(); !read) return read;
  routes_.queue_in_turn(routes_.watched_count() / kTurnTicks + 1);
  tables_.queue_unresolved(refresh_);
  return step();
}

void KernelMonitor::on_notification(const nlmsghdr& message) {
  switch (message.nlmsg_type) {
    case RTM_NEWLINK:
    case RTM_DELLINK:
      return on_link(message);
    case RTM_NEWNEIGH:
    case RTM_DELNEIGH:
      return on_neighbour(message);
    case RTM_NEWROUTE:
    case RTM_DELROUTE:
      return on_route(message);
    case RTM_NEWADDR:
      host_events_.address_found = true;
      return routes_.all_changed();
    case RTM_DELADDR:
      host_events_.address_lost = true;
      [[fallthrough]];
    default:  // an address, a rule or a next-hop object: the effect on routes cannot be told
      routes_.all_changed();
  }
}

void KernelMonitor::on_link(const nlmsghdr& message) {
  const auto link = parse_link(message);
  if (!link) return;
  if (message.nlmsg_type == RTM_DELLINK) {
    tables_.remove_link(link->index);
    routes_.all_changed();
    return;
  }
  if (link->up && tables_.is_interface(link->name) && !tables_.is_up(link->index))
    host_events_.link_up = true;
  if (tables_.put_link(*link)) routes_.all_changed();
}

void KernelMonitor::on_neighbour(const nlmsghdr& message) {
  const auto neighbour = parse_neighbour(message);
  if (!neighbour) return;
  if (message.nlmsg_type == RTM_DELNEIGH) {
    tables_.remove_neighbour(neighbour->key);
  } else {
    tables_.put_neighbour(*neighbour);
  }
}

void KernelMonitor::on_route(const nlmsghdr& message) {
  if (const auto prefix = parse_route_prefix(message)) routes_.prefix_changed(*prefix);
}

Result<void> KernelMonitor::step() {
  const auto deadline = Clock::now() + kStepTime;
  auto done = look_up_routes(deadline);
  if (done) done = ask_neighbours(deadline);
  release_unneeded();
  readiness_.set_work_left(!routes_.empty() || (tables_.has_to_ask() && ask_budget_ > 0));
  return done;
}

Result<void> KernelMonitor::look_up_routes(Clock::time_point deadline) {
  while (!routes_.empty() && Clock::now() < deadline) {
    for (const IpAddress& address : routes_.take(kBatch)) {
      if (auto looked_up = look_up_route(address); !looked_up) return looked_up;
    }
  }
  return {};
}

Result<void> KernelMonitor::look_up_route(const IpAddress& address) {
  Route route;
  const auto error = requests_.request(
      route_request(address), [&](const nlmsghdr& message) { route = parse_route(message); });
  if (!error) return tl::unexpected(error.error());
  // Any refusal (unreachable, prohibited, blackhole, family switched off) is: no route.
  tables_.put_route(address, *error == 0 ? route : Route{});
  return {};
}

Result<void> KernelMonitor::ask_neighbours(Clock::time_point deadline) {
  while (tables_.has_to_ask() && ask_budget_ > 0 && Clock::now() < deadline) {
    const auto neighbours = tables_.take_to_ask(std::min(kBatch, ask_budget_), refresh_);
    ask_budget_ -= neighbours.size();
    for (const NeighbourKey& neighbour : neighbours) {
      if (auto asked = ask(neighbour); !asked) return asked;
    }
  }
  return {};
}

Result<void> KernelMonitor::ask(const NeighbourKey& neighbour) {
  auto error = requests_.request(neighbour_request(neighbour, refresh_));
  if (!error) return tl::unexpected(error.error());
  const bool refuses_managed = *error == EINVAL || *error == EOPNOTSUPP;
  if (refuses_managed && refresh_ == Refresh::kManaged) {
    error = requests_.request(neighbour_request(neighbour, Refresh::kOnce));
    if (!error) return tl::unexpected(error.error());
    // Only the way of asking was wrong: a kernel before 5.16.
    if (*error == 0) refresh_ = Refresh::kOnce;
  } else if (*error == 0 && refresh_ == Refresh::kManaged) {
    made_.insert(neighbour);
  }
  if (*error == 0 || passes_by_itself(*error)) return {};
  if (*error == EPERM) {
    return base::fail("no permission to ask the kernel for the neighbour " +
                      neighbour.address.to_string() +
                      ": give guidewayd CAP_NET_ADMIN or run it as root");
  }
  if (*error == ENOBUFS || *error == ENOMEM) {
    return base::fail("the kernel's neighbour table is full at " + neighbour.address.to_string() +
                      ": raise net.ipv4.neigh.default.gc_thresh3 and "
                      "net.ipv6.neigh.default.gc_thresh3 above the number of backends");
  }
  return base::fail_errno(
      "cannot ask the kernel for the neighbour " + neighbour.address.to_string(), *error);
}

void KernelMonitor::release_unneeded() {
  for (const NeighbourKey& neighbour : tables_.take_unneeded()) {
    if (made_.erase(neighbour) != 0) release(neighbour);
  }
}

void KernelMonitor::release(const NeighbourKey& neighbour) {
  // Whoever made it permanent since then wants it to stay.
  if (tables_.is_fixed(neighbour)) return;
  // Best effort: the entry, or its whole interface, may be gone already.
  static_cast<void>(requests_.request(neighbour_removal(neighbour)));
}

}  // namespace guideway::netlink
