// SPDX-License-Identifier: Apache-2.0
#include "backend_needs.h"

#include <cstdint>
#include <set>
#include <utility>

#include "guideway/base/text.h"

namespace guideway::cli {
namespace {

/// So many are named beside the first.
constexpr std::size_t kMaxNamed = 8;
constexpr const char* kUnknownSource = "DIRECTOR";

bool is_v6(const std::string& address) { return address.find(':') != std::string::npos; }

/// "OWN=10.0.0.11  # on b1; 10.0.0.12 on b2", for values that are not empty.
std::string by_backend(const std::string& variable,
                       const std::vector<std::pair<std::string, std::string>>& values) {
  std::string line;
  std::size_t count = 0;
  for (const auto& [name, value] : values) {
    if (count == 0) line = variable + "=" + value + "  # on " + name;
    if (count > 0 && count < kMaxNamed) line += "; " + value + " on " + name;
    count++;
  }
  if (count > kMaxNamed) line += "; and so on";
  return line;
}

/// A comment if there is no backend yet.
std::string own_address(const Json& pool) {
  std::vector<std::pair<std::string, std::string>> addresses;
  for (const Json& backend : pool.value("backends", Json::array()))
    addresses.emplace_back(text_of(backend, "name"), text_of(backend, "address"));
  return addresses.empty() ? "OWN=ADDRESS  # of the backend" : by_backend("OWN", addresses);
}

/// The one of all backends; or, if they differ, a variable that `lines` then set.
std::string source_for(const Json& pool, const Sources& sources, std::vector<std::string>& lines) {
  const std::string named = pool.value("source", "auto");
  if (named != "auto") return base::escape_untrusted(named);
  std::vector<std::pair<std::string, std::string>> all;
  std::set<std::string> different;
  for (const Json& backend : pool.value("backends", Json::array())) {
    const auto found = sources.find(backend.at("name").get<std::string>());
    const std::string source =
        found == sources.end() ? kUnknownSource : base::escape_untrusted(found->second);
    all.emplace_back(text_of(backend, "name"), source);
    different.insert(source);
  }
  if (different.size() < 2) return different.empty() ? kUnknownSource : *different.begin();
  lines.push_back(by_backend("FROM", all));
  return "$FROM";
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

void add_decap(const std::string& vip, const Json& pool, const Sources& sources,
               std::vector<std::string>& lines) {
  const std::string forwarding = text_of(pool, "forwarding");
  lines.push_back(own_address(pool));
  const std::string source = source_for(pool, sources, lines);
  lines.emplace_back("DEV=$(ip -o address show to $OWN | awk '{print $2; exit}')");
  lines.emplace_back("sysctl -w net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.$DEV.rp_filter=0");
  lines.emplace_back(
      "mkdir -p /run/guideway/decap && mount -t bpf -o mode=0700 bpf /run/guideway/decap"
      "  # once after a boot");
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

/// Those that run as the pool's own.
Sources sources_in(const Json& status) {
  Sources sources;
  if (!status.is_object()) return sources;
  for (const Json& backend : status.at("backends")) {
    const std::string source = backend.value("outer_source", "");
    const bool is_own = backend.at("home") == "" && backend.at("state") != "removed";
    if (is_own && !source.empty()) sources[backend.at("name").get<std::string>()] = source;
  }
  return sources;
}

}  // namespace

std::vector<std::string> backend_commands(const Json& service, const Json& pool,
                                          const Sources& sources) {
  std::vector<std::string> lines;
  const std::string vip = text_of(service, "address");
  const std::string forwarding = pool.value("forwarding", "l2dsr");
  if (forwarding == "nat") {  // nothing, that is what it is for, unless they want to see clients
    if (pool.value("toa", false) && service.value("protocol", "tcp") != "udp")
      lines.push_back("modprobe toa  # a module that reads TCP option " +
                      std::string(is_v6(vip) ? "253" : "254") +
                      ": getpeername() then has the client; servers work without it, too");
    return lines;
  }
  add_vip(vip, lines);
  if (is_for_decap(forwarding)) add_decap(vip, pool, sources, lines);
  if (forwarding == "vxlan") add_vxlan(an_outer_address(pool, vip), pool, lines);
  return lines;
}

Outcome<std::vector<std::string>> backend_needs(const Daemon& daemon, const Json& service) {
  const std::string name = service.contains("pool")
                               ? service.at("pool").get<std::string>()
                               : service.at("forward").at(0).at("pool").get<std::string>();
  const auto answer = daemon.read("/v1/pools/" + encoded(name));
  if (!answer) return tl::unexpected(answer.error());
  const Json& pool = answer->at("pool");
  return backend_commands(service, pool.at("config"),
                          sources_in(pool.value("status", Json(nullptr))));
}

}  // namespace guideway::cli
