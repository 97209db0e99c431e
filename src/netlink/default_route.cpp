// SPDX-License-Identifier: Apache-2.0
#include "guideway/netlink/default_route.h"

#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <string_view>

#include "guideway/netlink/parse.h"
#include "guideway/netlink/socket.h"

namespace guideway::netlink {
namespace {

namespace fs = std::filesystem;

/// A numeric attribute of a message; 0 if it is absent.
int number_attribute(const nlmsghdr& message, std::size_t header_bytes, int type) {
  // libnl's functions take pointers to mutable memory, but only read.
  auto* header = const_cast<nlmsghdr*>(&message);
  const nlattr* found = nlmsg_find_attr(header, static_cast<int>(header_bytes), type);
  if (found == nullptr || nla_len(found) < static_cast<int>(sizeof(std::uint32_t))) return 0;
  return static_cast<int>(nla_get_u32(found));
}

bool has_attribute(const nlmsghdr& message, std::size_t header_bytes, int type) {
  auto* header = const_cast<nlmsghdr*>(&message);
  return nlmsg_find_attr(header, static_cast<int>(header_bytes), type) != nullptr;
}

/// The links of a route with several next hops.
void add_next_hops(const nlmsghdr& message, std::set<int>& links) {
  auto* header = const_cast<nlmsghdr*>(&message);
  const nlattr* hops = nlmsg_find_attr(header, sizeof(rtmsg), RTA_MULTIPATH);
  if (hops == nullptr) return;
  auto* hop = static_cast<rtnexthop*>(nla_data(hops));
  int left = nla_len(hops);
  while (RTNH_OK(hop, left)) {
    links.insert(hop->rtnh_ifindex);
    left -= static_cast<int>(RTNH_ALIGN(hop->rtnh_len));
    hop = RTNH_NEXT(hop);
  }
}

void add_link(const nlmsghdr& message, KernelNetwork& network) {
  const auto link = parse_link(message);
  if (!link) return;
  KernelLink added{link->index, link->name, 0, 0};
  added.master = number_attribute(message, sizeof(ifinfomsg), IFLA_MASTER);
  // With a namespace id, the index counts in that namespace.
  if (!has_attribute(message, sizeof(ifinfomsg), IFLA_LINK_NETNSID)) {
    added.lower = number_attribute(message, sizeof(ifinfomsg), IFLA_LINK);
  }
  network.links.push_back(added);
}

void add_route(const nlmsghdr& message, KernelNetwork& network) {
  const auto prefix = parse_route_prefix(message);
  if (!prefix || prefix->length != 0) return;
  if (static_cast<const rtmsg*>(nlmsg_data(&message))->rtm_type != RTN_UNICAST) return;
  if (const int link = number_attribute(message, sizeof(rtmsg), RTA_OIF); link != 0) {
    network.default_links.insert(link);
  }
  add_next_hops(message, network.default_links);
}

/// Whether a kernel interface belongs to a PCI device, also through virtio.
bool stands_on(const std::string& link, const std::string& name) {
  std::string pci_address =
      name.size() == std::string_view("3b:00.0").size() ? "0000:" + name : name;
  if (!is_pci_address(pci_address)) return false;
  std::transform(pci_address.begin(), pci_address.end(), pci_address.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  std::error_code error;
  const fs::path device = fs::canonical("/sys/class/net/" + link + "/device", error);
  if (error) return false;
  for (const fs::path& part : device) {
    if (part == pci_address) return true;
  }
  return false;
}

}  // namespace

bool is_pci_address(const std::string& text) {
  constexpr std::string_view kForm = "hhhh:hh:hh.h";
  if (text.size() != kForm.size()) return false;
  for (std::size_t i = 0; i < kForm.size(); i++) {
    const bool is_digit = std::isxdigit(static_cast<unsigned char>(text[i])) != 0;
    if (kForm[i] == 'h' ? !is_digit : text[i] != kForm[i]) return false;
  }
  return true;
}

Result<KernelNetwork> read_kernel_network() {
  auto socket = Socket::open_for_requests();
  if (!socket) return tl::unexpected(socket.error());
  KernelNetwork network;
  auto done = dump(*socket, RTM_GETLINK, [&](const nlmsghdr& message) {
                add_link(message, network);
              }).and_then([&] {
    return dump(*socket, RTM_GETROUTE,
                [&](const nlmsghdr& message) { add_route(message, network); });
  });
  if (!done) return tl::unexpected(done.error());
  return network;
}

std::set<std::string> carriers_of_default_route(const KernelNetwork& network) {
  std::set<int> carriers = network.default_links;
  std::size_t before = 0;
  while (carriers.size() != before) {
    before = carriers.size();
    for (const KernelLink& link : network.links) {
      if (carriers.count(link.master) != 0) carriers.insert(link.index);
      if (carriers.count(link.index) != 0 && link.lower != 0) carriers.insert(link.lower);
    }
  }
  std::set<std::string> names;
  for (const KernelLink& link : network.links) {
    if (carriers.count(link.index) != 0) names.insert(link.name);
  }
  return names;
}

std::vector<std::string> names_in_device(const std::string& device) {
  std::string text = device;
  for (const char* bus : {"pci:", "vdev:"}) {
    if (text.rfind(bus, 0) == 0) text = text.substr(text.find(':') + 1);
  }
  std::vector<std::string> names;
  std::size_t start = 0;
  while (start <= text.size()) {
    const std::size_t end = std::min(text.find_first_of(",=()[]", start), text.size());
    if (end > start) names.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  return names;
}

Result<std::optional<std::string>> default_route_of(const std::string& device) {
  auto network = read_kernel_network();
  if (!network) return tl::unexpected(network.error());
  for (const std::string& carrier : carriers_of_default_route(*network)) {
    for (const std::string& name : names_in_device(device))
      if (name == carrier || stands_on(carrier, name)) return carrier;
  }
  return std::nullopt;
}

}  // namespace guideway::netlink
