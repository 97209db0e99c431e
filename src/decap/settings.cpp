// SPDX-License-Identifier: Apache-2.0
#include "guideway/decap/settings.h"

#include "guideway/base/text.h"

namespace guideway::decap {
namespace {

struct Kind {
  const char* name;
  bool Tunnels::*member;
};

constexpr Kind kKinds[] = {{"ipip", &Tunnels::ipip},
                           {"gre", &Tunnels::gre},
                           {"gue", &Tunnels::gue},
                           {"vxlan", &Tunnels::vxlan}};

/// The prefix with the bits beyond its length cleared.
IpPrefix masked(const IpPrefix& prefix) {
  auto bytes = prefix.address.bytes();
  for (std::size_t bit = prefix.length; bit < prefix.address.size() * 8; ++bit)
    bytes[bit / 8] = static_cast<std::uint8_t>(bytes[bit / 8] & ~(0x80u >> (bit % 8)));
  const auto address = IpAddress::from_bytes(bytes.data(), prefix.address.size());
  return {*address, prefix.length};
}

Result<void> check_list(const std::vector<IpPrefix>& prefixes, const std::string& option) {
  if (prefixes.empty()) return base::fail(option + " is missing: name at least one prefix");
  if (prefixes.size() > kMaxEntries)
    return base::fail(option + " has " + std::to_string(prefixes.size()) + " prefixes: at most " +
                      std::to_string(kMaxEntries) + " are possible, so name shorter ones");
  return {};
}

}  // namespace

Result<IpPrefix> parse_prefix(std::string_view text) {
  IpPrefix prefix;
  if (text.find('/') == std::string_view::npos) {
    const auto address = IpAddress::parse(text);
    if (!address) return tl::unexpected(address.error());
    prefix = {*address, static_cast<std::uint8_t>(address->size() * 8)};
  } else {
    const auto parsed = IpPrefix::parse(text);
    if (!parsed) return tl::unexpected(parsed.error());
    prefix = *parsed;
  }
  if (const IpPrefix wanted = masked(prefix); wanted != prefix)
    return base::fail(base::quoted(text) + " has bits beyond its prefix length: write " +
                      wanted.to_string() + ", or the address alone");
  if (prefix.length > 0 && (prefix.address.is_multicast() || prefix.address.is_loopback()))
    return base::fail(base::quoted(text) +
                      " is a multicast or loopback prefix: no tunnel packet has such an address");
  return prefix;
}

Result<Tunnels> parse_tunnels(std::string_view text) {
  Tunnels tunnels{false, false, false, false};
  while (true) {
    const auto comma = text.find(',');
    const std::string_view name = text.substr(0, comma);
    const Kind* found = nullptr;
    for (const Kind& kind : kKinds)
      if (name == kind.name) found = &kind;
    if (found == nullptr)
      return base::fail(base::quoted(name) +
                        " is not a kind of tunnel: name one or more of ipip,gre,gue,vxlan");
    tunnels.*(found->member) = true;
    if (comma == std::string_view::npos) return tunnels;
    text.remove_prefix(comma + 1);
  }
}

std::string to_string(const Tunnels& tunnels) {
  std::string text;
  for (const Kind& kind : kKinds)
    if (tunnels.*(kind.member)) text += (text.empty() ? "" : ",") + std::string(kind.name);
  return text;
}

Result<void> check(const Settings& settings) {
  if (const auto checked = check_list(settings.from, "--from"); !checked) return checked;
  if (const auto checked = check_list(settings.vips, "--vip"); !checked) return checked;
  if (settings.local.empty())
    return base::fail(
        "there is no outer destination: give the device an address, or name one by --local");
  if (settings.local.size() + settings.host.size() > kMaxEntries)
    return base::fail("this host has more than " + std::to_string(kMaxEntries) +
                      " addresses, which is more than the decapsulator can keep");
  const Tunnels& tunnels = settings.tunnels;
  if ((tunnels.gue && settings.gue_port == 0) || (tunnels.vxlan && settings.vxlan_port == 0))
    return base::fail("port 0 is not a port: name one of 1 to 65535");
  if (tunnels.gue && tunnels.vxlan && settings.gue_port == settings.vxlan_port)
    return base::fail("GUE and VXLAN have the same port " + std::to_string(settings.gue_port) +
                      ": change one, or switch one off by --tunnels");
  return {};
}

}  // namespace guideway::decap
