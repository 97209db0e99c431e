// SPDX-License-Identifier: Apache-2.0
#include "backend_needs.h"

#include <charconv>
#include <cstdint>

#include "guideway/base/address.h"
#include "guideway/base/text.h"

namespace guideway::cli {
namespace {

/// So many are named beside the first.
constexpr std::size_t kMaxNamed = 8;
constexpr const char* kUnknownSource = "DIRECTOR";

bool is_v6(const std::string& address) { return address.find(':') != std::string::npos; }

/// "OWN=10.0.0.11  # b1; 10.0.0.12 on b2", or a comment if there is no backend yet.
std::string own_address(const Json& pool) {
  std::string line;
  std::size_t count = 0;
  for (const Json& backend : pool.value("backends", Json::array())) {
    const std::string name = text_of(backend, "name");
    const std::string address = text_of(backend, "address");
    if (count == 0) line = "OWN=" + address + "  # on " + name;
    if (count > 0 && count < kMaxNamed) line += "; " + address + " on " + name;
    count++;
  }
  if (count > kMaxNamed) line += "; and so on";
  return count == 0 ? "OWN=ADDRESS  # of the backend" : line;
}

void add_vip(const std::string& vip, std::vector<std::string>& lines) {
  lines.push_back("ip address add " + vip + (is_v6(vip) ? "/128" : "/32") + " dev lo");
  if (!is_v6(vip))  // so that only the director answers ARP for it
    lines.emplace_back("sysctl -w net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2");
}

bool is_for_decap(const std::string& forwarding) {
  return forwarding == "ipip" || forwarding == "gre" || forwarding == "gue";
}

/// The port that the decapsulator is to be told, if it is not the one that it expects.
std::string gue_port(const Json& pool) {
  const std::uint16_t port = pool.value("gue", Json::object()).value("port", std::uint16_t{6080});
  return port == 6080 ? "" : " --gue-port " + std::to_string(port);
}

void add_decap(const std::string& vip, const Json& pool, const std::string& source,
               std::vector<std::string>& lines) {
  const std::string forwarding = text_of(pool, "forwarding");
  lines.push_back(own_address(pool));
  lines.emplace_back("DEV=$(ip -o address show to $OWN | awk '{print $2; exit}')");
  lines.emplace_back("sysctl -w net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.$DEV.rp_filter=0");
  lines.emplace_back(
      "mkdir -p /run/guideway/decap && mount -t bpf bpf /run/guideway/decap  # once after a boot");
  lines.push_back("guideway-decap attach $DEV --tunnels " + forwarding + gue_port(pool) +
                  " --from " + source + " --vip " + vip);
}

void add_vxlan(const std::string& family_of, const Json& pool, std::vector<std::string>& lines) {
  const Json& vxlan = pool.at("vxlan");
  const std::string vni = plain(vxlan.at("vni"));
  const std::string device = "vxlan" + vni;
  lines.push_back(own_address(pool));
  lines.push_back("ip link add " + device + " address " + text_of(vxlan, "inner_mac") +
                  " type vxlan id " + vni + " dstport " + plain(vxlan.value("port", Json(4789))) +
                  " local $OWN nolearning" + (is_v6(family_of) ? " udp6zerocsumrx" : ""));
  lines.push_back("ip link set " + device + " up");
  lines.push_back("sysctl -w net.ipv4.conf.all.rp_filter=0 net.ipv4.conf." + device +
                  ".rp_filter=0");
}

/// The addresses of the backends are of one family or, without backends, the VIP's is a guess.
std::string an_outer_address(const Json& pool, const std::string& vip) {
  const Json backends = pool.value("backends", Json::array());
  return backends.empty() ? vip : text_of(backends.front(), "address");
}

/// A packet to the service from an address that no client has (RFC 5737, RFC 3849).
std::string explain_target(const Json& service) {
  const std::string vip = service.at("address");
  const std::string protocol = service.value("protocol", "tcp");
  const auto port = service.at("port").get<std::uint16_t>();
  const auto with_port = [](const std::string& address, unsigned number) {
    return encoded((is_v6(address) ? "[" + address + "]" : address) + ":" + std::to_string(number));
  };
  return "/v1/explain?protocol=" + std::string(protocol == "udp" ? "udp" : "tcp") +
         "&source=" + with_port(is_v6(vip) ? "2001:db8::1" : "192.0.2.1", 40000) +
         "&destination=" + with_port(vip, port == 0 ? 80 : port);
}

/// Where tunnel packets come from: the pool says it, or the header that would be written now.
std::string source_of(const Daemon& daemon, const Json& service, const Json& pool) {
  const std::string named = pool.value("source", "auto");
  if (named != "auto") return base::escape_untrusted(named);
  const auto answer = daemon.read(explain_target(service));
  if (!answer || !answer->contains("explain")) return "";
  const Json header = answer->at("explain").value("header", Json(nullptr));
  return header.is_string() ? outer_source(header) : "";
}

}  // namespace

std::string outer_source(const std::string& header) {
  std::vector<std::uint8_t> bytes;
  for (std::size_t i = 0; i + 1 < header.size(); i += 2) {
    std::uint8_t byte = 0;
    const char* start = header.data() + i;
    if (std::from_chars(start, start + 2, byte, 16).ptr != start + 2) return "";
    bytes.push_back(byte);
  }
  constexpr std::size_t kEthernet = 14;
  constexpr std::size_t kTag = 4;
  const auto type_before = [&](std::size_t end) -> unsigned {
    return bytes.size() < end ? 0u : bytes[end - 2] << 8 | bytes[end - 1];
  };
  const bool tagged = type_before(kEthernet) == 0x8100;
  const std::size_t ip = kEthernet + (tagged ? kTag : 0);
  const unsigned type = type_before(ip);
  const std::size_t size = type == 0x0800 ? 4 : type == 0x86dd ? 16 : 0;
  const std::size_t at = ip + (size == 4 ? 12 : 8);
  if (size == 0 || bytes.size() < at + size) return "";
  const auto address = base::IpAddress::from_bytes(bytes.data() + at, size);
  return address ? address->to_string() : "";
}

std::vector<std::string> backend_commands(const Json& service, const Json& pool,
                                          const std::string& source) {
  std::vector<std::string> lines;
  const std::string vip = text_of(service, "address");
  const std::string forwarding = pool.value("forwarding", "l2dsr");
  if (forwarding == "nat") return lines;  // nothing: that is what it is for
  add_vip(vip, lines);
  if (is_for_decap(forwarding))
    add_decap(vip, pool, source.empty() ? kUnknownSource : source, lines);
  if (forwarding == "vxlan") add_vxlan(an_outer_address(pool, vip), pool, lines);
  return lines;
}

Outcome<std::vector<std::string>> backend_needs(const Daemon& daemon, const Json& service) {
  const std::string name = service.contains("pool")
                               ? service.at("pool").get<std::string>()
                               : service.at("forward").at(0).at("pool").get<std::string>();
  const auto answer = daemon.read("/v1/pools/" + encoded(name));
  if (!answer) return tl::unexpected(answer.error());
  const Json& pool = answer->at("pool").at("config");
  const bool is_tunnel = is_for_decap(pool.value("forwarding", "l2dsr"));
  return backend_commands(service, pool, is_tunnel ? source_of(daemon, service, pool) : "");
}

}  // namespace guideway::cli
