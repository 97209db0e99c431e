// SPDX-License-Identifier: Apache-2.0
#include "options.h"

#include <sched.h>

#include <algorithm>
#include <boost/program_options.hpp>
#include <charconv>
#include <map>
#include <set>
#include <sstream>
#include <string_view>
#include <system_error>

#include "guideway/base/text.h"
#include "guideway/netlink/default_route.h"

namespace guideway::pktgen {
namespace {

namespace po = boost::program_options;
using base::fail;
using base::quoted;

constexpr double kLongestRun_s = 86'400;
constexpr std::uint64_t kHighestRate_pps = 1'000'000'000;
constexpr unsigned kLargestMtu = 9000;
constexpr unsigned kMostCpus = CPU_SETSIZE;

const std::map<std::string, Traffic> kTraffics = {{"syn-flood", Traffic::kSynFlood},
                                                  {"ack-flood", Traffic::kAckFlood},
                                                  {"new", Traffic::kNew},
                                                  {"connections", Traffic::kConnections},
                                                  {"established", Traffic::kEstablished},
                                                  {"mixed", Traffic::kMixed}};
const std::map<std::string, Size> kSizes = {
    {"64", Size::k64}, {"imix", Size::kImix}, {"mtu", Size::kMtu}};
const std::map<std::string, Protocol> kProtocols = {{"tcp", Protocol::kTcp},
                                                    {"udp", Protocol::kUdp}};
enum class Families { kBoth, kIpv4, kIpv6 };
const std::map<std::string, Families> kFamilies = {
    {"4", Families::kIpv4}, {"6", Families::kIpv6}, {"both", Families::kBoth}};

po::options_description description() {
  using Strings = std::vector<std::string>;
  po::options_description options("Options");
  options.add_options()                                                                         //
      ("device", po::value<std::string>()->value_name("DEV"),                                   //
       "send here: a PCI address (0000:3b:00.0) or a DPDK virtual device "                      //
       "(net_af_packet0,iface=veth0)")                                                          //
      ("sink", po::value<std::string>()->value_name("DEV"),                                     //
       "receive here what the load balancer forwards (default: the sending device)")            //
      ("vip", po::value<Strings>()->value_name("ADDR"),                                         //
       "the service's address; repeat it for more, of either family")                           //
      ("port", po::value<int>()->value_name("N"), "the service's port")                         //
      ("protocol", po::value<std::string>()->value_name("P")->default_value("tcp"),             //
       "tcp or udp")                                                                            //
      ("gateway-mac", po::value<std::string>()->value_name("MAC"),                              //
       "the load balancer's MAC address on the segment of --device")                            //
      ("flows", po::value<std::int64_t>()->value_name("N")->default_value(1'000'000),           //
       "different clients, 1 to 10000000")                                                      //
      ("traffic", po::value<std::string>()->value_name("T")->default_value("established"),      //
       "syn-flood, ack-flood, new, connections, established or mixed")                          //
      ("popularity", po::value<std::string>()->value_name("P")->default_value("uniform"),       //
       "of established flows: uniform, or zipf:S with an exponent S from 0.1 to 5")             //
      ("open", po::value<int>()->value_name("N")->default_value(64),                            //
       "new, connections: so many side by side, 1 to 1000000")                                  //
      ("data", po::value<int>()->value_name("N")->default_value(4),                             //
       "connections: data packets of each, 0 to 1000")                                          //
      ("size", po::value<std::string>()->value_name("S")->default_value("64"),                  //
       "64 (bytes on the wire), imix or mtu")                                                   //
      ("mtu", po::value<int>()->value_name("BYTES"),                                            //
       "longest IP packet to send (default: the device's MTU); leave room for tunnel headers")  //
      ("family", po::value<std::string>()->value_name("F"),                                     //
       "4, 6 or both: send to VIPs of this family only (default: to all)")                      //
      ("rate", po::value<std::string>()->value_name("PPS")->default_value("unlimited"),         //
       "packets per second")                                                                    //
      ("seconds", po::value<double>()->value_name("S")->default_value(10, "10"),                //
       "how long to send")                                                                      //
      ("seed", po::value<std::uint64_t>()->value_name("N")->default_value(1),                   //
       "of the random addresses and ports: the same seed gives the same packets")               //
      ("max-loss", po::value<double>()->value_name("FRACTION")->default_value(0, "0"),          //
       "how much loss is no failure, 0 to 1")                                                   //
      ("max-late", po::value<double>()->value_name("FRACTION")->default_value(1, "1"),          //
       "how much reordering is no failure, 0 to 1")                                             //
      ("latency", po::bool_switch(),                                                            //
       "stamp data with its time of sending, and report percentiles")                           //
      ("find-rate", po::bool_switch(),                                                          //
       "look for the highest rate, up to --rate, that loses no more than --max-loss; "          //
       "--seconds is a trial's time")                                                           //
      ("bridge", po::bool_switch(),                                                             //
       "what is between does not route: TTL and MAC addresses may stay as they were")           //
      ("cpus", po::value<std::string>()->value_name("A,B"),                                     //
       "pin the sending thread to CPU A, the receiving one to B, and let them spin "            //
       "(default: they sleep in between)")                                                      //
      ("json", po::bool_switch(), "print the result as one JSON object")                        //
      ("allow-real-network", po::bool_switch(),                                                 //
       "send even on a device that carries this host's default route")                          //
      ("version", po::bool_switch(), "print the version")                                       //
      ("help,h", po::bool_switch(), "print this");
  return options;
}

Error wrong(const std::string& option, const std::string& value, const std::string& wanted) {
  return Error{"--" + option + " " + quoted(value) + " is not " + wanted};
}

/// "established, mixed, new or syn-flood".
template <typename T>
std::string names_of(const std::map<std::string, T>& values) {
  std::string text;
  std::size_t left = values.size();
  for (const auto& [name, value] : values) {
    text += name + (left > 2 ? ", " : left == 2 ? " or " : "");
    left--;
  }
  return text;
}

template <typename T>
Result<T> one_of(const std::map<std::string, T>& values, const po::variables_map& given,
                 const std::string& option) {
  const auto text = given[option].as<std::string>();
  const auto found = values.find(text);
  if (found == values.end()) return tl::unexpected(wrong(option, text, names_of(values)));
  return found->second;
}

/// The whole text as a number: digits only.
template <typename T>
std::optional<T> number_of(std::string_view text) {
  T number = 0;
  const char* end = text.data() + text.size();
  const auto [stopped_at, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || stopped_at != end) return std::nullopt;
  return number;
}

std::string without_prefix(const std::string& text, const std::string& prefix) {
  return text.rfind(prefix, 0) == 0 ? text.substr(prefix.size()) : text;
}

bool is_virtual_device(const std::string& name) {
  return (name.rfind("net_", 0) == 0 || name.rfind("eth_", 0) == 0) && name.size() > 4;
}

std::string name_of_device(const std::string& text) { return text.substr(0, text.find(',')); }

/// "pci:…" or "vdev:…", however it was written.
Result<std::string> device_text(const std::string& option, const std::string& text) {
  const std::string pci = without_prefix(text, "pci:");
  if (netlink::is_pci_address(name_of_device(pci))) return "pci:" + pci;
  const std::string virtual_device = without_prefix(text, "vdev:");
  if (is_virtual_device(name_of_device(virtual_device))) return "vdev:" + virtual_device;
  return tl::unexpected(wrong(option, text,
                              "a PCI address like 0000:3b:00.0 or a DPDK virtual device like "
                              "net_af_packet0,iface=veth0"));
}

Result<void> read_devices(const po::variables_map& given, Options& options) {
  for (const char* needed : {"device", "vip", "port", "gateway-mac"}) {
    if (given.count(needed) == 0) return fail(std::string("--") + needed + " is missing");
  }
  auto device = device_text("device", given["device"].as<std::string>());
  if (!device) return tl::unexpected(device.error());
  options.device = *device;
  if (given.count("sink") == 0) return {};
  auto sink = device_text("sink", given["sink"].as<std::string>());
  if (!sink) return tl::unexpected(sink.error());
  if (*sink == options.device) return {};
  if (name_of_device(*sink) == name_of_device(options.device)) {
    return fail(
        "--device and --sink name the same device with different arguments; leave --sink "
        "out, or give one of them another number, like net_af_packet1");
  }
  options.sink = *sink;
  return {};
}

Result<void> read_vips(const po::variables_map& given, Options& options) {
  auto families = Families::kBoth;
  if (given.count("family") != 0) {
    auto wanted = one_of(kFamilies, given, "family");
    if (!wanted) return tl::unexpected(wanted.error());
    families = *wanted;
  }
  std::set<IpAddress> known;
  std::set<Family> known_families;
  for (const std::string& text : given["vip"].as<std::vector<std::string>>()) {
    auto vip = IpAddress::parse(text);
    if (!vip || vip->is_multicast() || vip->is_unspecified()) {
      return tl::unexpected(wrong("vip", text, "an address that a service can have"));
    }
    if (FlowSpace::is_client(vip->family(), vip->bytes().data())) {
      return fail("--vip " + text +
                  " is among the clients' addresses, 198.18.0.0/15 and "
                  "2001:2::/48");
    }
    if (!known.insert(*vip).second) return fail("--vip " + text + " is given twice");
    known_families.insert(vip->family());
    const auto family = vip->is_v4() ? Families::kIpv4 : Families::kIpv6;
    if (families == Families::kBoth || families == family) options.vips.push_back(*vip);
  }
  const bool both_wanted = given.count("family") != 0 && families == Families::kBoth;
  if (options.vips.empty() || (both_wanted && known_families.size() < 2)) {
    return fail("--family " + given["family"].as<std::string>() +
                " asks for a family of which there is no --vip");
  }
  return {};
}

Result<std::uint64_t> read_rate(const std::string& text) {
  if (text == "unlimited") return 0;
  const std::uint64_t rate = number_of<std::uint64_t>(text).value_or(0);
  if (rate == 0 || rate > kHighestRate_pps) {
    return tl::unexpected(wrong("rate", text, "\"unlimited\" or a number from 1 to 1000000000"));
  }
  return rate;
}

Result<void> read_cpus(const po::variables_map& given, Options& options) {
  if (given.count("cpus") == 0) return {};
  const auto text = given["cpus"].as<std::string>();
  const std::size_t comma = std::min(text.find(','), text.size());
  const auto sending = number_of<unsigned>(std::string_view(text).substr(0, comma));
  const auto receiving = comma == text.size()
                             ? std::nullopt
                             : number_of<unsigned>(std::string_view(text).substr(comma + 1));
  if (!sending || !receiving || std::max(*sending, *receiving) >= kMostCpus) {
    return tl::unexpected(wrong("cpus", text, "two CPU numbers like 2,3"));
  }
  options.cpus = {*sending, *receiving};
  return {};
}

Result<void> read_run(const po::variables_map& given, Options& options) {
  const int port = given["port"].as<int>();
  if (port < 1 || port > 65535) {
    return tl::unexpected(wrong("port", std::to_string(port), "a port from 1 to 65535"));
  }
  options.port = static_cast<std::uint16_t>(port);
  options.seconds = given["seconds"].as<double>();
  if (!(options.seconds > 0 && options.seconds <= kLongestRun_s)) {
    return fail("--seconds is to be above 0 and at most 86400");
  }
  options.max_loss = given["max-loss"].as<double>();
  options.max_late = given["max-late"].as<double>();
  for (const auto& [name, value] :
       {std::pair("loss", options.max_loss), {"late", options.max_late}})
    if (!(value >= 0 && value <= 1))
      return fail(std::string("--max-") + name + " is to be a fraction from 0 to 1");
  options.seed = given["seed"].as<std::uint64_t>();
  options.json = given["json"].as<bool>();
  options.latency = given["latency"].as<bool>();
  options.find_rate = given["find-rate"].as<bool>();
  if (given["bridge"].as<bool>()) options.between = Between::kBridge;
  options.allow_real_network = given["allow-real-network"].as<bool>();
  auto rate = read_rate(given["rate"].as<std::string>());
  if (!rate) return tl::unexpected(rate.error());
  options.rate_pps = *rate;
  return read_cpus(given, options);
}

/// "uniform" or "zipf:1.1".
Result<std::optional<double>> read_popularity(const std::string& text) {
  if (text == "uniform") return std::nullopt;
  const auto exponent = number_of<double>(without_prefix(text, "zipf:"));
  if (text.rfind("zipf:", 0) != 0 || !exponent || !(*exponent >= 0.1 && *exponent <= 5)) {
    return tl::unexpected(
        wrong("popularity", text, "\"uniform\" or \"zipf:S\" with S from 0.1 to 5"));
  }
  return exponent;
}

Result<std::uint32_t> number_in(const po::variables_map& given, const std::string& option,
                                int least, int most) {
  const int number = given[option].as<int>();
  if (number < least || number > most) {
    return tl::unexpected(
        wrong(option, std::to_string(number),
              "a number from " + std::to_string(least) + " to " + std::to_string(most)));
  }
  return static_cast<std::uint32_t>(number);
}

Result<void> read_traffic(const po::variables_map& given, Options& options) {
  TrafficSpec& spec = options.traffic;
  auto traffic = one_of(kTraffics, given, "traffic");
  if (!traffic) return tl::unexpected(traffic.error());
  spec.traffic = *traffic;
  const auto flows = given["flows"].as<std::int64_t>();
  if (flows < 1 || flows > std::int64_t{kMostFlows}) {
    return tl::unexpected(wrong("flows", std::to_string(flows), "a number from 1 to 10000000"));
  }
  spec.flows = static_cast<std::uint32_t>(flows);
  const auto open = number_in(given, "open", 1, 1'000'000);
  if (!open) return tl::unexpected(open.error());
  spec.side_by_side = *open;
  const auto data = number_in(given, "data", 0, 1000);
  if (!data) return tl::unexpected(data.error());
  spec.data = *data;
  if (is_flood(spec.traffic) && options.protocol != Protocol::kTcp) {
    return fail("--traffic syn-flood and ack-flood need --protocol tcp");
  }
  if (spec.traffic == Traffic::kMixed && spec.flows < TrafficPattern::kFewestMixedFlows) {
    return fail("--traffic mixed needs at least 8 flows");
  }
  const auto popularity = read_popularity(given["popularity"].as<std::string>());
  if (!popularity) return tl::unexpected(popularity.error());
  options.zipf = *popularity;
  if (options.zipf && TrafficPattern(spec).established_flows() == 0) {
    return fail("--popularity is for --traffic established and mixed");
  }
  if (options.latency && is_flood(spec.traffic)) {
    return fail("--latency needs packets with data, and a flood has none");
  }
  return {};
}

Result<void> read_packets(const po::variables_map& given, Options& options) {
  auto protocol = one_of(kProtocols, given, "protocol");
  if (!protocol) return tl::unexpected(protocol.error());
  options.protocol = *protocol;
  auto size = one_of(kSizes, given, "size");
  if (!size) return tl::unexpected(size.error());
  options.size = *size;
  if (given.count("mtu") != 0) {
    const int mtu = given["mtu"].as<int>();
    if (mtu < 68 || mtu > int{kLargestMtu}) {
      return tl::unexpected(wrong("mtu", std::to_string(mtu), "a number from 68 to 9000"));
    }
    options.mtu = static_cast<unsigned>(mtu);
  }
  return {};
}

Result<void> read_mac(const po::variables_map& given, Options& options) {
  const auto text = given["gateway-mac"].as<std::string>();
  auto mac = Mac::parse(text);
  if (!mac || mac->is_zero() || (mac->bytes[0] & 1) != 0) {
    return tl::unexpected(wrong("gateway-mac", text, "the MAC address of one device"));
  }
  options.gateway = *mac;
  return {};
}

Result<Options> read_all(const po::variables_map& given) {
  Options options;
  if (given["version"].as<bool>()) options.action = Options::Action::kVersion;
  if (given["help"].as<bool>()) options.action = Options::Action::kHelp;
  if (options.action != Options::Action::kRun) return options;
  auto done = read_devices(given, options)
                  .and_then([&] { return read_vips(given, options); })
                  .and_then([&] { return read_mac(given, options); })
                  .and_then([&] { return read_run(given, options); })
                  .and_then([&] { return read_packets(given, options); })
                  .and_then([&] { return read_traffic(given, options); });
  if (!done) return tl::unexpected(done.error());
  return options;
}

}  // namespace

Result<Options> parse_options(int argc, const char* const* argv) {
  po::variables_map given;
  try {
    po::store(po::command_line_parser(argc, argv)
                  .options(description())
                  .positional(po::positional_options_description())
                  .run(),
              given);
    po::notify(given);
  } catch (const po::error& error) {
    return fail(std::string(error.what()) + "; see guideway-pktgen --help");
  }
  return read_all(given);
}

std::string help_text() {
  std::ostringstream text;
  text << "guideway-pktgen: plays all clients and all backends of a load balancer\n\n"
          "It sends packets of many flows to a service, receives what the load balancer\n"
          "forwards, and checks that each flow stays on one backend and that nothing is\n"
          "lost, doubled or damaged. Needs root or CAP_NET_ADMIN and CAP_NET_RAW.\n\n"
          "  guideway-pktgen --device DEV [--sink DEV] --gateway-mac MAC --vip ADDR --port N …\n\n"
       << description()
       << "\nExit code: 0 when no flow moved, no packet was wrong or came twice, and no more was\n"
          "lost than --max-loss; 1 otherwise; 2 for a wrong command line, a device that cannot\n"
          "be used, or a refusal. Ctrl-C ends the run with its report; again, at once.\n\n"
          "Example, between two veth devices:\n"
          "  guideway-pktgen --device net_af_packet0,iface=clients0 \\\n"
          "    --sink net_af_packet1,iface=backends0 --gateway-mac 02:00:00:00:00:01 \\\n"
          "    --vip 203.0.113.10 --port 80 --flows 100000 --rate 50000\n";
  return text.str();
}

}  // namespace guideway::pktgen
