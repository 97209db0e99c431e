// SPDX-License-Identifier: Apache-2.0
#include "guideway/netlink/host_addresses.h"

#include <linux/rtnetlink.h>

#include <cerrno>
#include <map>
#include <optional>
#include <utility>

#include "guideway/netlink/announce.h"
#include "guideway/netlink/parse.h"
#include "guideway/netlink/requests.h"
#include "guideway/netlink/socket.h"

namespace guideway::netlink {
namespace {

/// An address on a link, as far as it identifies what to add and remove.
struct Placement {
  int link = 0;
  IpPrefix prefix;

  friend auto operator<=>(const Placement&, const Placement&) = default;
};

/// What this host has now.
struct HostState {
  std::map<std::string, Link> links;
  /// Value: added by a guidewayd, perhaps one that crashed.
  std::map<Placement, bool> addresses;
};

void ignore_message(const nlmsghdr& /*message*/) {}

tl::unexpected<Error> refused(const std::string& what, int error) {
  if (error == EPERM) {
    return base::fail(what + ": no permission; give guidewayd CAP_NET_ADMIN or run it as root");
  }
  if (error == EACCES) {
    return base::fail(what + ": IPv6 is switched off there; set the sysctl " +
                      "net.ipv6.conf.<interface>.disable_ipv6 to 0");
  }
  return base::fail_errno(what, error);
}

class KernelHostAddresses final : public HostAddresses {
 public:
  explicit KernelHostAddresses(Socket socket) : socket_(std::move(socket)) {}
  ~KernelHostAddresses() override { release(); }
  KernelHostAddresses(const KernelHostAddresses&) = delete;
  KernelHostAddresses& operator=(const KernelHostAddresses&) = delete;

  Result<void> set_interface(const std::string& kernel_name,
                             const std::vector<IpPrefix>& addresses) override;
  Result<void> own_vips(const std::set<IpAddress>& vips,
                        const std::vector<std::string>& kernel_names) override;
  void release() override;

 private:
  /// Which VIP goes where.
  using Plan = std::map<Placement, IpAddress>;

  Result<HostState> read_host();
  Result<Link> find_link(const HostState& host, const std::string& kernel_name) const;
  Result<Plan> plan_vips(const HostState& host, const std::set<IpAddress>& vips,
                         const std::vector<Link>& links) const;
  Result<void> add(const Placement& placement, SourceChoice choice, std::set<Placement>& added);
  Result<void> remove(const Placement& placement);
  Result<void> remove_unwanted_vips(const Plan& wanted);

  Socket socket_;
  std::set<Placement> interface_addresses_;
  std::set<Placement> vips_;
};

Result<HostState> KernelHostAddresses::read_host() {
  HostState host;
  auto read = dump(socket_, RTM_GETLINK, [&](const nlmsghdr& message) {
    if (auto link = parse_link(message)) host.links.emplace(link->name, *link);
  });
  if (!read) return tl::unexpected(read.error());
  read = dump(socket_, RTM_GETADDR, [&](const nlmsghdr& message) {
    if (const auto address = parse_address(message)) {
      host.addresses.emplace(Placement{address->link, address->prefix}, address->ours);
    }
  });
  if (!read) return tl::unexpected(read.error());
  return host;
}

Result<Link> KernelHostAddresses::find_link(const HostState& host,
                                            const std::string& kernel_name) const {
  const auto found = host.links.find(kernel_name);
  if (found != host.links.end()) return found->second;
  return base::fail("there is no interface " + kernel_name +
                    ": create it, or correct its name in the configuration");
}

Result<void> KernelHostAddresses::set_interface(const std::string& kernel_name,
                                                const std::vector<IpPrefix>& addresses) {
  const auto host = read_host();
  if (!host) return tl::unexpected(host.error());
  const auto link = find_link(*host, kernel_name);
  if (!link) return tl::unexpected(link.error());
  if (!link->up) {
    const auto error = socket_.request(link_up_request(link->index), ignore_message);
    if (!error) return tl::unexpected(error.error());
    if (*error != 0) return refused("cannot bring the interface " + kernel_name + " up", *error);
  }
  for (const IpPrefix& prefix : addresses) {
    auto added = add({link->index, prefix}, SourceChoice::kPreferred, interface_addresses_);
    if (!added) {
      return base::fail("interface " + kernel_name + ": " + added.error().message);
    }
  }
  return {};
}

Result<void> KernelHostAddresses::own_vips(const std::set<IpAddress>& vips,
                                           const std::vector<std::string>& kernel_names) {
  const auto host = read_host();
  if (!host) return tl::unexpected(host.error());
  std::vector<Link> links;
  for (const std::string& name : kernel_names) {
    auto link = find_link(*host, name);
    if (!link) return tl::unexpected(link.error());
    links.push_back(std::move(*link));
  }
  const auto wanted = plan_vips(*host, vips, links);
  if (!wanted) return tl::unexpected(wanted.error());

  std::set<IpAddress> fresh;
  for (const auto& [placement, vip] : *wanted) {
    const auto found = host->addresses.find(placement);
    if (found != host->addresses.end()) {
      // Left behind by a daemon that crashed: ours to remove. Its neighbours know the address.
      if (found->second) vips_.insert(placement);
      continue;
    }
    if (auto added = add(placement, SourceChoice::kAvoided, vips_); !added) return added;
    fresh.insert(vip);
  }
  if (auto removed = remove_unwanted_vips(*wanted); !removed) return removed;
  if (fresh.empty()) return {};
  const std::vector<IpAddress> announced(fresh.begin(), fresh.end());
  for (const Link& link : links) {
    if (auto sent = announce(link.index, link.name, link.mac.value_or(Mac{}), announced); !sent) {
      return sent;
    }
  }
  return {};
}

Result<KernelHostAddresses::Plan> KernelHostAddresses::plan_vips(
    const HostState& host, const std::set<IpAddress>& vips, const std::vector<Link>& links) const {
  const auto loopback = find_link(host, "lo");
  if (!loopback) return tl::unexpected(loopback.error());
  Plan plan;
  for (const IpAddress& vip : vips) {
    const IpPrefix prefix{vip, static_cast<std::uint8_t>(vip.size() * 8)};
    if (vip.is_v4() || links.empty()) plan.emplace(Placement{loopback->index, prefix}, vip);
    if (vip.is_v4()) continue;
    for (const Link& link : links) plan.emplace(Placement{link.index, prefix}, vip);
  }
  return plan;
}

Result<void> KernelHostAddresses::add(const Placement& placement, SourceChoice choice,
                                      std::set<Placement>& added) {
  const auto error =
      socket_.request(address_request(placement.link, placement.prefix, choice), ignore_message);
  if (!error) return tl::unexpected(error.error());
  if (*error == EEXIST) return {};
  if (*error != 0) return refused("cannot add the address " + placement.prefix.to_string(), *error);
  added.insert(placement);
  return {};
}

Result<void> KernelHostAddresses::remove(const Placement& placement) {
  const auto error =
      socket_.request(address_removal(placement.link, placement.prefix), ignore_message);
  if (!error) return tl::unexpected(error.error());
  // Somebody else removed it, or its interface is gone: as wanted.
  if (*error == 0 || *error == EADDRNOTAVAIL || *error == ENODEV) return {};
  return refused("cannot remove the address " + placement.prefix.to_string(), *error);
}

Result<void> KernelHostAddresses::remove_unwanted_vips(const Plan& wanted) {
  for (auto vip = vips_.begin(); vip != vips_.end();) {
    if (wanted.contains(*vip)) {
      ++vip;
      continue;
    }
    if (auto removed = remove(*vip); !removed) return removed;
    vip = vips_.erase(vip);
  }
  return {};
}

void KernelHostAddresses::release() {
  // Best effort: at the end there is nobody left to tell.
  for (const Placement& placement : std::exchange(vips_, {})) {
    static_cast<void>(remove(placement));
  }
  for (const Placement& placement : std::exchange(interface_addresses_, {})) {
    static_cast<void>(remove(placement));
  }
}

}  // namespace

Result<std::unique_ptr<HostAddresses>> HostAddresses::open() {
  auto socket = Socket::open_for_requests();
  if (!socket) return tl::unexpected(socket.error());
  return std::make_unique<KernelHostAddresses>(std::move(*socket));
}

}  // namespace guideway::netlink
