// SPDX-License-Identifier: Apache-2.0
#include "guideway/netlink/host_addresses.h"

#include <linux/rtnetlink.h>

#include <cerrno>
#include <map>
#include <optional>
#include <utility>

#include "guideway/netlink/announce.h"
#include "guideway/netlink/announce_queue.h"
#include "guideway/netlink/parse.h"
#include "guideway/netlink/requests.h"
#include "guideway/netlink/socket.h"

namespace guideway::netlink {
namespace {

using Links = std::map<std::string, Link>;

/// What this host has now.
struct HostState {
  Links links;
  std::set<OwnedAddress> addresses;
};

/// Collects what failed, so that one fault does not keep the rest from being done.
class Faults {
 public:
  template <typename T>
  void add(const Result<T>& result) {
    if (!result) messages_.push_back(result.error().message);
  }

  Result<void> result() const {
    if (messages_.empty()) return {};
    constexpr std::size_t kNamed = 5;
    std::string text;
    for (std::size_t i = 0; i < messages_.size() && i < kNamed; ++i) {
      if (i > 0) text += "; ";
      text += messages_[i];
    }
    if (messages_.size() > kNamed) {
      text += "; and " + std::to_string(messages_.size() - kNamed) + " more";
    }
    return base::fail(text);
  }

 private:
  std::vector<std::string> messages_;
};

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

Result<Link> find_link(const HostState& host, const std::string& kernel_name) {
  const auto found = host.links.find(kernel_name);
  if (found != host.links.end()) return found->second;
  return base::fail("there is no interface " + kernel_name +
                    ": create it, or correct its name in the configuration");
}

/// Where the VIPs go. `links` exist.
std::set<OwnedAddress> plan_vips(const std::set<IpAddress>& vips, const std::vector<Link>& links) {
  std::set<OwnedAddress> plan;
  for (const IpAddress& vip : vips) {
    const IpPrefix prefix{vip, static_cast<std::uint8_t>(vip.size() * 8)};
    if (vip.is_v4() || links.empty()) plan.insert({"lo", prefix});
    if (vip.is_v4()) continue;
    for (const Link& link : links) plan.insert({link.name, prefix});
  }
  return plan;
}

class KernelHostAddresses final : public HostAddresses {
 public:
  KernelHostAddresses(Socket socket, OwnedAddresses record)
      : socket_(std::move(socket)), record_(std::move(record)) {}
  ~KernelHostAddresses() override { take_back(adopted_); }
  KernelHostAddresses(const KernelHostAddresses&) = delete;
  KernelHostAddresses& operator=(const KernelHostAddresses&) = delete;

  /// Forgets what the record lists and the kernel has no more.
  Result<void> adopt();

  Result<void> set_interface(const std::string& kernel_name,
                             const std::vector<IpPrefix>& addresses) override;
  Result<void> own_vips(const std::set<IpAddress>& vips,
                        const std::vector<std::string>& kernel_names) override;
  Result<void> require_ours(const std::set<IpAddress>& addresses) override;
  Result<void> announce_due(std::chrono::steady_clock::time_point now) override;
  void announce_again() override;
  void release() override;
  void leave() override { left_ = true; }

 private:
  Result<Links> read_links();
  Result<HostState> read_host();
  std::set<OwnedAddress> place(const HostState& host, const std::set<OwnedAddress>& wanted,
                               SourceChoice choice, Faults& faults);
  Result<void> add(const HostState& host, const OwnedAddress& address, SourceChoice choice);
  void remove(const HostState& host, const std::set<OwnedAddress>& addresses, Faults& faults);
  Result<void> remove_one(const HostState& host, const OwnedAddress& address);
  Result<void> bring_up(const Link& link);
  void take_back(const std::set<OwnedAddress>& but);

  Socket socket_;
  OwnedAddresses record_;
  /// What an earlier run has left.
  std::set<OwnedAddress> adopted_;
  /// What set_interface() was asked for; own_vips() leaves it alone.
  std::set<OwnedAddress> interface_addresses_;
  std::set<std::string> brought_up_;
  std::set<IpAddress> vips_;
  std::set<std::string> announce_on_;
  AnnounceQueue to_announce_;
  bool left_ = false;
};

Result<Links> KernelHostAddresses::read_links() {
  Links links;
  auto read = dump(socket_, RTM_GETLINK, [&](const nlmsghdr& message) {
    if (auto link = parse_link(message)) links.emplace(link->name, *link);
  });
  if (!read) return tl::unexpected(read.error());
  return links;
}

Result<HostState> KernelHostAddresses::read_host() {
  auto links = read_links();
  if (!links) return tl::unexpected(links.error());
  std::map<int, std::string> names;
  for (const auto& [name, link] : *links) names.emplace(link.index, name);
  HostState host{std::move(*links), {}};
  auto read = dump(socket_, RTM_GETADDR, [&](const nlmsghdr& message) {
    const auto address = parse_address(message);
    if (!address) return;
    const auto name = names.find(address->link);
    if (name != names.end()) host.addresses.insert({name->second, address->prefix});
  });
  if (!read) return tl::unexpected(read.error());
  return host;
}

Result<void> KernelHostAddresses::adopt() {
  if (record_.all().empty()) return {};
  const auto host = read_host();
  if (!host) return tl::unexpected(host.error());
  auto ours = record_.all();
  std::erase_if(ours,
                [&](const OwnedAddress& address) { return !host->addresses.contains(address); });
  adopted_ = ours;
  return record_.set(std::move(ours));
}

Result<void> KernelHostAddresses::set_interface(const std::string& kernel_name,
                                                const std::vector<IpPrefix>& addresses) {
  const auto host = read_host();
  if (!host) return tl::unexpected(host.error());
  const auto link = find_link(*host, kernel_name);
  if (!link) return tl::unexpected(link.error());
  Faults faults;
  if (!brought_up_.contains(kernel_name)) faults.add(bring_up(*link));
  std::set<OwnedAddress> wanted;
  for (const IpPrefix& prefix : addresses) wanted.insert({kernel_name, prefix});
  interface_addresses_.insert(wanted.begin(), wanted.end());
  place(*host, wanted, SourceChoice::kPreferred, faults);
  return faults.result();
}

/// Only once: an operator who sets it down later means it.
Result<void> KernelHostAddresses::bring_up(const Link& link) {
  if (!link.up) {
    const auto error = socket_.request(link_up_request(link.index));
    if (!error) return tl::unexpected(error.error());
    if (*error != 0) return refused("cannot bring the interface " + link.name + " up", *error);
  }
  brought_up_.insert(link.name);
  return {};
}

Result<void> KernelHostAddresses::own_vips(const std::set<IpAddress>& vips,
                                           const std::vector<std::string>& kernel_names) {
  const auto host = read_host();
  if (!host) return tl::unexpected(host.error());
  Faults faults;
  std::vector<Link> links;
  for (const std::string& name : kernel_names) {
    const auto link = find_link(*host, name);
    faults.add(link);
    if (link) links.push_back(*link);
  }
  vips_ = vips;
  announce_on_ = {kernel_names.begin(), kernel_names.end()};
  to_announce_.keep_only(announce_on_, vips_);

  const auto wanted = plan_vips(vips, links);
  for (const OwnedAddress& added : place(*host, wanted, SourceChoice::kAvoided, faults)) {
    for (const std::string& name : announce_on_) to_announce_.add(name, added.prefix.address);
  }
  std::set<OwnedAddress> unwanted;
  for (const OwnedAddress& ours : record_.all()) {
    if (!wanted.contains(ours) && !interface_addresses_.contains(ours)) unwanted.insert(ours);
  }
  remove(*host, unwanted, faults);
  return faults.result();
}

Result<void> KernelHostAddresses::require_ours(const std::set<IpAddress>& addresses) {
  if (addresses.empty()) return {};
  const auto host = read_host();
  if (!host) return tl::unexpected(host.error());
  Faults faults;
  for (const OwnedAddress& found : host->addresses) {
    if (!addresses.contains(found.prefix.address) || record_.all().contains(found)) continue;
    faults.add(Result<void>(base::fail(
        "the NAT address " + found.prefix.address.to_string() + " is on interface " +
        found.interface + " (" + found.prefix.to_string() +
        "), not put there by this director: the host's own connections would use its ports; remove "
        "it from there, or take another address as source")));
  }
  return faults.result();
}

/// Adds what the host lacks, after it is on record. Returns what was added.
std::set<OwnedAddress> KernelHostAddresses::place(const HostState& host,
                                                  const std::set<OwnedAddress>& wanted,
                                                  SourceChoice choice, Faults& faults) {
  std::set<OwnedAddress> missing;
  for (const OwnedAddress& address : wanted) {
    if (!host.addresses.contains(address)) missing.insert(address);
  }
  auto ours = record_.all();
  ours.insert(missing.begin(), missing.end());
  if (auto recorded = record_.set(std::move(ours)); !recorded) {
    faults.add(recorded);
    return {};
  }
  std::set<OwnedAddress> added;
  for (const OwnedAddress& address : missing) {
    const auto result = add(host, address, choice);
    faults.add(result);
    if (result) added.insert(address);
  }
  return added;
}

/// What fails stays on record: it is tried again, and only what the kernel has is ever removed.
Result<void> KernelHostAddresses::add(const HostState& host, const OwnedAddress& address,
                                      SourceChoice choice) {
  const auto link = find_link(host, address.interface);
  if (!link) return tl::unexpected(link.error());
  const auto error = socket_.request(address_request(link->index, address.prefix, choice));
  if (!error) return tl::unexpected(error.error());
  if (*error == 0) return {};
  if (*error != EEXIST) {
    return refused(
        "interface " + address.interface + ": cannot add the address " + address.prefix.to_string(),
        *error);
  }
  // Somebody else was faster: found, not ours.
  auto ours = record_.all();
  ours.erase(address);
  return record_.set(std::move(ours));
}

void KernelHostAddresses::remove(const HostState& host, const std::set<OwnedAddress>& addresses,
                                 Faults& faults) {
  auto ours = record_.all();
  for (const OwnedAddress& address : addresses) {
    const auto removed = remove_one(host, address);
    faults.add(removed);
    if (removed) ours.erase(address);
  }
  faults.add(record_.set(std::move(ours)));
}

Result<void> KernelHostAddresses::remove_one(const HostState& host, const OwnedAddress& address) {
  const auto link = host.links.find(address.interface);
  if (link == host.links.end()) return {};
  const auto error = socket_.request(address_removal(link->second.index, address.prefix));
  if (!error) return tl::unexpected(error.error());
  // Somebody else removed it, or its interface is gone: as wanted.
  if (*error == 0 || *error == EADDRNOTAVAIL || *error == ENODEV) return {};
  return refused("interface " + address.interface + ": cannot remove the address " +
                     address.prefix.to_string(),
                 *error);
}

Result<void> KernelHostAddresses::announce_due(std::chrono::steady_clock::time_point now) {
  const auto due = to_announce_.due(now);
  if (due.empty()) return {};
  const auto links = read_links();
  if (!links) return tl::unexpected(links.error());
  Faults faults;
  for (const auto& [name, vips] : due) {
    const auto link = links->find(name);
    if (link == links->end()) continue;  // own_vips() has said so
    const auto sent = announce(link->second.index, name, link->second.mac.value_or(Mac{}), vips);
    faults.add(sent);
    if (sent) to_announce_.sent(name, vips, now);
  }
  return faults.result();
}

void KernelHostAddresses::announce_again() {
  for (const std::string& name : announce_on_) {
    for (const IpAddress& vip : vips_) to_announce_.add(name, vip);
  }
}

void KernelHostAddresses::release() {
  take_back({});
  interface_addresses_.clear();
  vips_.clear();
  to_announce_ = {};
  adopted_.clear();
}

/// Removes what is ours `but` this. Best effort: at the end there is nobody left to tell. What
/// fails stays on record.
void KernelHostAddresses::take_back(const std::set<OwnedAddress>& but) {
  auto unwanted = record_.all();
  for (const OwnedAddress& address : but) unwanted.erase(address);
  if (left_ || unwanted.empty()) return;
  const auto host = read_host();
  if (!host) return;
  Faults ignored;
  remove(*host, unwanted, ignored);
}

}  // namespace

Result<std::unique_ptr<HostAddresses>> HostAddresses::open(OwnedAddresses record) {
  auto socket = Socket::open_for_requests();
  if (!socket) return tl::unexpected(socket.error());
  auto opened = std::make_unique<KernelHostAddresses>(std::move(*socket), std::move(record));
  if (auto adopted = opened->adopt(); !adopted) return tl::unexpected(adopted.error());
  return opened;
}

}  // namespace guideway::netlink
