// SPDX-License-Identifier: Apache-2.0
// What bad files get. Line 1 of each is a good interface; the case starts in line 2.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "guideway/config/config.h"

#include "interface_line.h"

namespace guideway::config {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

std::vector<std::string> errors_of(const std::string& text) {
  return parse(kInterface + text, "f.toml").errors;
}

struct Case {
  std::string text;
  const char* start;    // of the only error
  const char* message;  // a part of it
};

void expect_one_error(const std::vector<Case>& cases) {
  for (const Case& c : cases) {
    const LoadResult result = parse(kInterface + c.text, "f.toml");
    EXPECT_FALSE(result.model);
    ASSERT_THAT(result.errors, SizeIs(1)) << c.text;
    EXPECT_THAT(result.errors[0], StartsWith("f.toml:" + std::string(c.start) + ": ")) << c.text;
    EXPECT_THAT(result.errors[0], HasSubstr(c.message)) << c.text;
  }
}

TEST(ConfigErrors, TheSharedFirstLineIsGood) { EXPECT_THAT(errors_of(""), IsEmpty()); }

TEST(ConfigErrors, Schema) {
  expect_one_error({
      {"schema = 2", "2:10: schema", "2 is newer than this program, which knows 1: update"},
      {"schema = 0", "2:10: schema", "allowed is 1 to 1"},
      {"schema = '1'", "2:10: schema", "must be an integer"},
  });
}

TEST(ConfigErrors, TopLevel) {
  expect_one_error({
      {"pool = 1", "2:8: pool", "must be an array of tables: write [[pool]], not an integer"},
      {"[service]\nname = 'web'", "2:1: service", "write [[service]], not a table"},
      {"director = 'lb1'", "2:12: director", "must be a table, not a string"},
      {"pool = ['web']", "2:9: pool[0]", "must be a table, not a string"},
      {"[[pools]]", "2:3: pools", "unknown key, the nearest known one is \"pool\""},
  });
}

TEST(ConfigErrors, Director) {
  const auto director = [](const std::string& line) { return "[director]\n" + line; };
  expect_one_error({
      {director("name = 'a b'"), "3:8: director.name", "1 to 63 characters"},
      {director("name = 1"), "3:8: director.name", "must be a string, not an integer"},
      {director("datapath = 'fast'"), "3:12: director.datapath",
       "\"fast\" is not known: allowed are \"auto\", \"dpdk\", \"afxdp\", \"xdp\""},
      {director("datapath = 'xdp'"), "1:39: interface[0].device", "is not a kernel interface"},
      {director("datapath = 'afxdp'"), "1:39: interface[0].device", "is not a kernel interface"},
      {director("workers = 2"), "3:11: director.workers", "\"auto\" or an array of CPU numbers"},
      {director("workers = []"), "3:11: director.workers", "\"auto\" or an array"},
      {director("workers = 'all'"), "3:11: director.workers", "\"auto\" or an array"},
      {director("workers = [2, '3']"), "3:15: director.workers[1]", "must be a CPU number"},
      {director("workers = [2, -1]"), "3:15: director.workers[1]", "0 to 1023"},
      {director("workers = [2, 2]"), "3:15: director.workers[1]", "named twice"},
      {director("idle = 'sleep'"), "3:8: director.idle", "allowed are \"poll\", \"adaptive\""},
      {director("hash_seed = '0123'"), "3:13: director.hash_seed", "32 hexadecimal digits"},
      {director("hash_seed = 'x123456789abcdef0123456789abcdef'"), "3:13: director.hash_seed",
       "32 hexadecimal digits"},
      {director("state_dir = 'state'"), "3:13: director.state_dir", "absolute path"},
      {director("pin_dir = ''"), "3:11: director.pin_dir", "absolute path"},
      {director("flow_dir = 'flows'"), "3:12: director.flow_dir", "absolute path"},
      {director("on_stop = 'stay'"), "3:11: director.on_stop", "allowed are \"keep\", \"detach\""},
      {director("min_rebuild_interval = 100"), "3:24: director.min_rebuild_interval",
       "100 has no unit"},
      {director("min_rebuild_interval = '61s'"), "3:24: director.min_rebuild_interval",
       "at most 60s"},
      {director("vip_icmp = 'reply'"), "3:12: director.vip_icmp",
       "allowed are \"answer\", \"kernel\""},
      {director("unserved_ports = 'reset'"), "3:18: director.unserved_ports",
       "allowed are \"kernel\", \"drop\""},
      {director("icmp_rate = 1000001"), "3:13: director.icmp_rate", "0 to 1000000"},
      {director("on_too_big = 'split'"), "3:14: director.on_too_big",
       "allowed are \"fragment\", \"drop\""},
      {director("eal_arguments = '-v'"), "3:17: director.eal_arguments",
       "must be an array of strings"},
      {director("eal_arguments = ['-v', 1]"), "3:24: director.eal_arguments[1]",
       "must be a string, not an integer"},
      {director("worker = 1"), "3:1: director.worker", "the nearest known one is \"workers\""},
  });
}

TEST(ConfigErrors, TheSeedIsNeverShown) {
  const std::string secret = "00112233445566778899";
  for (const std::string& line : {"hash_seed = '" + secret + "'", "hash_seed = " + secret,
                                  "hash_seed = " + secret + "ff", "hash_seed = \"" + secret}) {
    const auto errors = errors_of("[director]\n" + line);
    ASSERT_THAT(errors, SizeIs(1));
    EXPECT_THAT(errors[0], HasSubstr("hash_seed"));
    EXPECT_THAT(errors[0], ::testing::Not(HasSubstr("2233"))) << line;
  }
}

TEST(ConfigErrors, Capacity) {
  const auto capacity = [](const std::string& line) { return "[capacity]\n" + line; };
  expect_one_error({
      {capacity("services = 0"), "3:12: capacity.services", "1 to 65535"},
      {capacity("pools = 65_536"), "3:9: capacity.pools", "1 to 65535"},
      {capacity("backends = 65536"), "3:12: capacity.backends", "1 to 65535"},
      {capacity("slots = -1"), "3:9: capacity.slots", "2 to 1073741824"},
      {capacity("flows = 9223372036854775807"), "3:9: capacity.flows", "1 to 1073741824"},
      {capacity("flows = 1e6"), "3:9: capacity.flows", "not a number with a fraction"},
      {capacity("nat_addresses = -1"), "3:17: capacity.nat_addresses", "0 to 1024"},
      {capacity("flow = 1"), "3:1: capacity.flow", "nearest known one is \"flows\""},
      {capacity("pools = 1\n[[pool]]\nname = 'a'\n[[pool]]\nname = 'b'"), "3:9: capacity.pools",
       "1 is too few: this configuration has 2 pools"},
  });
}

TEST(ConfigErrors, Admin) {
  const auto admin = [](const std::string& line) { return "[admin]\n" + line; };
  expect_one_error({
      {admin("socket = 'x'"), "3:10: admin.socket", "absolute path"},
      {admin("socket = true"), "3:10: admin.socket", "must be a string, not a boolean"},
      {admin("status_socket = '/run/guideway/admin.sock'"), "3:17: admin.status_socket",
       "the same as socket"},
      {admin("metrics = ':9641'"), "3:11: admin.metrics", "\"127.0.0.1:9641\""},
      {admin("metric = ''"), "3:1: admin.metric", "nearest known one is \"metrics\""},
  });
}

TEST(ConfigErrors, Interface) {
  const auto interface = [](const std::string& lines) { return "[[interface]]\n" + lines; };
  // The first line has an inline array, which TOML does not let [[interface]] extend.
  const auto parse_alone = [&](const std::string& lines) {
    return parse(interface(lines), "f.toml").errors;
  };
  const struct {
    const char* lines;
    const char* start;
    const char* message;
  } cases[] = {
      {"device = 'vdev:net_null0'", "f.toml:1:1: interface[0].name", "is missing"},
      {"name = 'wan'", "f.toml:1:1: interface[0].device", "is missing"},
      {"name = 'a-name-of-13c'\ndevice = 'vdev:net_null0'", "f.toml:2:8: interface[0].name",
       "1 to 12 characters"},
      {"name = 'wan'\ndevice = 'eth/1'", "f.toml:3:10: interface[0].device",
       "the name of a kernel interface"},
      {"name = 'wan'\ndevice = 'eth1'\n[director]\ndatapath = 'dpdk'",
       "f.toml:3:10: interface[0].device", "is a kernel interface"},
      {"name = 'wan'\ndevice = 'eth1'\n[[interface]]\nname = 'lan'\ndevice = 'vdev:net_null0'",
       "f.toml:6:10: interface[1].device", "of different sorts"},
      {"name = 'wan'\ndevice = 'eth1'\naddresses = ['10.0.0.1/8']",
       "f.toml:4:13: interface[0].addresses", "keeps the addresses that it has"},
      {"name = 'wan'\ndevice = 'vdev:net_null0'\nreplace_program = true",
       "f.toml:4:19: interface[0].replace_program", "only a kernel interface"},
      {"name = 'wan'\ndevice = 'eth1'\nreplace_program = 'yes'",
       "f.toml:4:19: interface[0].replace_program", "must be true or false, not a string"},
      {"name = 'wan'\ndevice = 'eth1'\ntake_default_route = true",
       "f.toml:4:22: interface[0].take_default_route", "only a PCI or virtual device"},
      {"name = 'wan'\ndevice = 'pci:1'", "f.toml:3:10: interface[0].device", "PCI address"},
      {"name = 'wan'\ndevice = 'vdev:net_null0'\naddresses = ['10.0.0.1']",
       "f.toml:4:14: interface[0].addresses[0]", "no prefix length"},
      {"name = 'wan'\ndevice = 'vdev:net_null0'\naddresses = ['10.0.0.1/8', '10.0.0.2/33']",
       "f.toml:4:28: interface[0].addresses[1]", "0 to 32"},
      {"name = 'wan'\ndevice = 'vdev:net_null0'\naddresses = '10.0.0.1/8'",
       "f.toml:4:13: interface[0].addresses", "must be an array of strings"},
      {"name = 'wan'\ndevice = 'vdev:net_null0'\naddress = []", "f.toml:4:1: interface[0].address",
       "nearest known one is \"addresses\""},
  };
  for (const auto& c : cases) {
    const auto errors = parse_alone(c.lines);
    ASSERT_THAT(errors, SizeIs(1)) << c.lines;
    EXPECT_THAT(errors[0], StartsWith(c.start));
    EXPECT_THAT(errors[0], HasSubstr(c.message));
  }
}

TEST(ConfigErrors, AnInterfaceIsNeeded) {
  EXPECT_THAT(parse("schema = 1\n", "f.toml").errors,
              ElementsAre("f.toml:1:1: interface: there is none: at least one [[interface]] is "
                          "needed"));
}

// Lines 2 and 3 are the pool's header and name.
std::string pool(const std::string& lines) { return "[[pool]]\nname = 'web'\n" + lines; }

TEST(ConfigErrors, Pool) {
  expect_one_error({
      {"[[pool]]", "2:1: pool[0].name", "is missing"},
      {"[[pool]]\nname = 'web'\n[[pool]]\nname = 'web'", "5:8: pool[1].name", "must be unique"},
      {pool("forwarding = 'vxlam'"), "4:14: pool[0].forwarding",
       "\"vxlam\" is not known: allowed are \"l2dsr\", \"ipip\", \"vxlan\""},
      {pool("forwarding = 'nat'"), "2:1: pool[0].source", "is missing"},
      {pool("forwarding = 'nat'\nsource = 'auto'"), "5:10: pool[0].source", "is missing"},
      {pool("forwarding = 'nat'\nsource = ['10.0.0.1', 7]"), "5:23: pool[0].source[1]",
       "must be a string"},
      {pool("source = ['10.0.0.1']"), "4:10: pool[0].source", "are for forwarding \"nat\""},
      {pool("source = 'any'"), "4:10: pool[0].source", "is not an IP address"},
      {pool("source = '10.0.0.1'"), "4:10: pool[0].source", "l2dsr"},
      {pool("scheduler = 'random'"), "4:13: pool[0].scheduler",
       "\"random\" is not known: allowed are \"maglev\", \"round_robin\""},
      {pool("table_size = 65536"), "4:14: pool[0].table_size", "the next one is 65537"},
      {pool("table_size = 16777259"), "4:14: pool[0].table_size", "2 to 16777213"},
      {pool("backends = { }"), "4:12: pool[0].backends", "must be an array of tables"},
      {pool("weights = 1"), "4:1: pool[0].weights", "unknown key, the nearest known one is"},
  });
}

TEST(ConfigErrors, GreAndGue) {
  const auto gre = [](const std::string& block) {
    return pool("forwarding = 'gre'\ngre = " + block);
  };
  const auto gue = [](const std::string& block) {
    return pool("forwarding = 'gue'\ngue = " + block);
  };
  expect_one_error({
      {pool("gre = { }"), "4:7: pool[0].gre", "only for forwarding \"gre\""},
      {pool("forwarding = 'gre'\ngue = { }"), "5:7: pool[0].gue", "only for forwarding \"gue\""},
      {gre("7"), "5:7: pool[0].gre", "must be a table"},
      {gre("{ key = -1 }"), "5:15: pool[0].gre.key", "0 to 4294967295"},
      {gre("{ key = 4294967296 }"), "5:15: pool[0].gre.key", "0 to 4294967295"},
      {gre("{ sum = true }"), "5:9: pool[0].gre.sum", "unknown key"},
      {gue("{ port = 0 }"), "5:16: pool[0].gue.port", "1 to 65535"},
      {gue("{ port = '6080' }"), "5:16: pool[0].gue.port", "must be an integer"},
  });
}

TEST(ConfigErrors, Vxlan) {
  const auto vxlan = [](const std::string& block) {
    return pool("forwarding = 'vxlan'\nvxlan = " + block);
  };
  expect_one_error({
      {pool("forwarding = 'vxlan'"), "4:14: pool[0].vxlan", "is missing"},
      {pool("vxlan = { vni = 1, inner_mac = '02:67:77:00:00:01' }"), "4:9: pool[0].vxlan",
       "only for forwarding \"vxlan\""},
      {vxlan("100"), "5:9: pool[0].vxlan", "must be a table"},
      {vxlan("{ vni = 1 }"), "5:9: pool[0].vxlan.inner_mac", "is missing"},
      {vxlan("{ inner_mac = '02:67:77:00:00:01' }"), "5:9: pool[0].vxlan.vni", "is missing"},
      {vxlan("{ vni = 16777216, inner_mac = '02:67:77:00:00:01' }"), "5:17: pool[0].vxlan.vni",
       "0 to 16777215"},
      {vxlan("{ vni = 1, port = 0, inner_mac = '02:67:77:00:00:01' }"), "5:27: pool[0].vxlan.port",
       "1 to 65535"},
      {vxlan("{ vni = 1, inner_mac = '00:00:00:00:00:00' }"), "5:32: pool[0].vxlan.inner_mac",
       "one device"},
      {vxlan("{ vni = 1, inner_mac = '01:00:5e:00:00:01' }"), "5:32: pool[0].vxlan.inner_mac",
       "one device"},
      {vxlan("{ vni = 1, inner_mac = '0267.7700.0001' }"), "5:32: pool[0].vxlan.inner_mac",
       "not a MAC address"},
      {vxlan("{ vni = 1, mac = 1, inner_mac = '02:67:77:00:00:01' }"), "5:20: pool[0].vxlan.mac",
       "unknown key"},
  });
}

TEST(ConfigErrors, Backends) {
  // Line 4 opens the array; a case is lines 5 and on.
  const auto backends = [](const std::string& items) {
    return pool("backends = [\n" + items + "]");
  };
  expect_one_error({
      {backends("1"), "5:1: pool[0].backends[0]", "must be a table, not an integer"},
      {backends("{ address = '10.0.0.1' }"), "5:1: pool[0].backends[0].name", "is missing"},
      {backends("{ name = 'b1' }"), "5:1: pool[0].backends[0].address", "is missing"},
      {backends("{ name = 'b1', address = '10.0.0.256' }"), "5:26: pool[0].backends[0].address",
       "\"10.0.0.256\" is not an IP address"},
      {backends("{ name = 'b1', address = 'web1.example.com' }"),
       "5:26: pool[0].backends[0].address", "is not an IP address"},
      {backends("{ name = 'b1', address = '::ffff:10.0.0.1' }"),
       "5:26: pool[0].backends[0].address", "write the IPv4 address"},
      {backends("{ name = 'b1', address = '127.0.0.1' }"), "5:26: pool[0].backends[0].address",
       "loopback"},
      {backends("{ name = 'b1', address = '10.0.0.1', weight = 1001 }"),
       "5:47: pool[0].backends[0].weight", "1001 is out of range: allowed is 0 to 1000"},
      {backends("{ name = 'b1', address = '10.0.0.1', weight = -1 }"),
       "5:47: pool[0].backends[0].weight", "0 to 1000"},
      {backends("{ name = 'b1', address = '10.0.0.1', weight = '9' }"),
       "5:47: pool[0].backends[0].weight", "must be an integer, 0 to 1000, not a string"},
      {backends("{ name = 'b1', address = '10.0.0.1', port = 0 }"),
       "5:45: pool[0].backends[0].port", "1 to 65535"},
      {backends("{ name = 'b1', address = '10.0.0.1', state = 'down' }"),
       "5:46: pool[0].backends[0].state", "allowed are \"enabled\", \"drain\", \"disabled\""},
      {backends("{ name = 'b1', address = '10.0.0.1', wieght = 5 }"),
       "5:38: pool[0].backends[0].wieght", "nearest known one is \"weight\""},
      {backends("{ name = 'b1', address = '10.0.0.1' },\n{ name = 'b1', address = '10.0.0.2' }"),
       "6:10: pool[0].backends[1].name", "must be unique"},
      {backends("{ name = 'b1', address = '10.0.0.1' },\n{ name = 'b2', address = '10.0.0.1' }"),
       "6:26: pool[0].backends[1].address", "the same address and port as pool[0].backends[0]"},
  });
}

TEST(ConfigErrors, Panic) {
  expect_one_error({
      {pool("panic_threshold = 101"), "4:19: pool[0].panic_threshold", "0 to 100"},
      {pool("panic = 'open'"), "4:9: pool[0].panic", "is not known"},
      {pool("panic = 'hold'"), "4:9: pool[0].panic_threshold", "needs a threshold"},
      {pool("panic = 'fallback'"), "4:9: pool[0].fallback_pool", "is missing"},
      {pool("panic = 'fallback'\nfallback_pool = 'web'"), "5:17: pool[0].fallback_pool",
       "the pool itself"},
      {pool("panic = 'fallback'\nfallback_pool = 'q'"), "5:17: pool[0].fallback_pool",
       "there is no pool \"q\""},
      {pool("fallback_pool = 'q'"), "4:17: pool[0].fallback_pool", "only for panic"},
      {pool("max_ejected_percent = -1"), "4:23: pool[0].max_ejected_percent", "0 to 100"},
  });
}

TEST(ConfigErrors, HealthCheck) {
  const auto check = [](const std::string& line) { return pool("[pool.health_check]\n" + line); };
  expect_one_error({
      {pool("health_check = 'http'"), "4:16: pool[0].health_check", "must be a table"},
      {check("protocol = 'exec'"), "5:12: pool[0].health_check.protocol", "not in this version"},
      {check("protocol = 'smtp'"), "5:12: pool[0].health_check.protocol", "is not known"},
      {check("port = 'http'"), "5:8: pool[0].health_check.port", "must be \"traffic\" or a port"},
      {check("port = 65536"), "5:8: pool[0].health_check.port", "1 to 65535"},
      {check("path = 'health'"), "5:8: pool[0].health_check.path", "must start with \"/\""},
      {check("interval = 10"), "5:12: pool[0].health_check.interval",
       "10 has no unit: write for example \"10s\" (units: ms, s, m, h)"},
      {check("interval = 1.5"), "5:12: pool[0].health_check.interval",
       "a duration such as \"10s\""},
      {check("interval = '10'"), "5:12: pool[0].health_check.interval", "is not a duration"},
      {check("interval = '10 s'"), "5:12: pool[0].health_check.interval", "is not a duration"},
      {check("interval = '1.5s'"), "5:12: pool[0].health_check.interval", "is not a duration"},
      {check("interval = '-1s'"), "5:12: pool[0].health_check.interval", "is not a duration"},
      {check("interval = '10d'"), "5:12: pool[0].health_check.interval", "is not a duration"},
      {check("interval = 's'"), "5:12: pool[0].health_check.interval", "is not a duration"},
      {check("interval = ''"), "5:12: pool[0].health_check.interval", "is not a duration"},
      {check("interval = '9223372036854775807h'"), "5:12: pool[0].health_check.interval",
       "too long"},
      {check("interval = '99999999999999999999s'"), "5:12: pool[0].health_check.interval",
       "is not a duration"},
      {check("interval = '2h'"), "5:12: pool[0].health_check.interval", "100ms to 3600000ms"},
      {check("timeout = '10s'"), "5:11: pool[0].health_check.timeout",
       "not shorter than interval, 10000ms"},
      {check("interval = '3s'"), "5:12: pool[0].health_check.timeout", "not shorter than interval"},
      {check("timeout = '0s'"), "5:11: pool[0].health_check.timeout", "too short"},
      {check("healthy_threshold = 0"), "5:21: pool[0].health_check.healthy_threshold", "1 to 100"},
      {check("unhealthy_threshold = 101"), "5:23: pool[0].health_check.unhealthy_threshold",
       "1 to 100"},
      {check("expected_status = 200"), "5:19: pool[0].health_check.expected_status",
       "must be a string such as"},
      {check("expected_status = '200-'"), "5:19: pool[0].health_check.expected_status",
       "is no HTTP status"},
      {check("expected_status = '200,600'"), "5:19: pool[0].health_check.expected_status",
       "100 to 599"},
      {check("expected_status = '299-200'"), "5:19: pool[0].health_check.expected_status",
       "is no HTTP status"},
      {check("protocol = 'udp'\nsend = 'hex:0g'"), "6:8: pool[0].health_check.send",
       "is not hexadecimal"},
      {check("protocol = 'udp'\nexpect = 'hex:123'"), "6:10: pool[0].health_check.expect",
       "is not hexadecimal"},
      {check("address = 'localhost'"), "5:11: pool[0].health_check.address", ""},
      {check("jitter = 51"), "5:10: pool[0].health_check.jitter", "allowed is 0 to 50"},
      {check("fast_interval = '11s'"), "5:17: pool[0].health_check.fast_interval",
       "100ms to interval, 10000ms"},
      {check("intervall = '1s'"), "5:1: pool[0].health_check.intervall",
       "nearest known one is \"interval\""},
  });
}

/// A good pool, a line each, and a service whose three required keys are lines 4 to 6.
std::string service(const std::string& lines) {
  return "pool = [{ name = 'web' }]\n[[service]]\nname = 'web'\naddress = '203.0.113.10'\n"
         "port = 80\n" +
         lines;
}

TEST(ConfigErrors, Service) {
  expect_one_error({
      {service(""), "3:1: service[0].pool", "is missing"},
      {service("pool = 'wep'"), "7:8: service[0].pool",
       "no [[pool]] with the name \"wep\": add it, or name one that is there, for example \"web\""},
      {service("pool = 'web'\nprotocol = 'sctp'"), "8:12: service[0].protocol",
       "allowed are \"tcp\", \"udp\", \"tcp_udp\""},
      {service("pool = 'web'\nvip = 'none'"), "8:7: service[0].vip",
       "allowed are \"owned\", \"routed\""},
      {service("pool = 'web'\nhash = 'random'"), "8:8: service[0].hash", "\"five_tuple\""},
      {service("pool = 'web'\nidle_timeout = 350"), "8:16: service[0].idle_timeout",
       "350 has no unit: write for example \"350s\""},
      {service("pool = 'web'\nidle_timeout = '1500ms'"), "8:16: service[0].idle_timeout",
       "not a whole number of seconds: write for example \"2s\""},
      {service("pool = 'web'\nidle_timeout = '0s'"), "8:16: service[0].idle_timeout",
       "1s to 4095s"},
      {service("pool = 'web'\nidle_timeout = '4096s'"), "8:16: service[0].idle_timeout",
       "1s to 4095s"},
      {service("pool = 'web'\nidle = '1s'"), "8:1: service[0].idle",
       "unknown key, the nearest known one is"},
      {service("pool = 'web'\n[[service]]\nname = 'x'\naddress = '203.0.113.10'\nport = 80\npool = "
               "'web'\nprotocol = 'tcp_udp'"),
       "10:11: service[1].address", "the same address, protocol and port as service[0]"},
  });
}

TEST(ConfigErrors, ServiceAddressAndPort) {
  const auto with = [](const std::string& address, const std::string& port) {
    return "pool = [{ name = 'web' }]\n[[service]]\nname = 'web'\npool = 'web'\naddress = " +
           address + "\nport = " + port;
  };
  expect_one_error({
      {with("'203.0.113.0/24'", "80"), "6:11: service[0].address",
       "address ranges are not in this version"},
      {with("'203.0.113.1-203.0.113.9'", "80"), "6:11: service[0].address",
       "address ranges are not in this version"},
      {with("'www'", "80"), "6:11: service[0].address", "is not an IP address"},
      {with("'ff02::1'", "80"), "6:11: service[0].address", "multicast"},
      {with("'203.0.113.1'", "'80-90'"), "7:8: service[0].port",
       "port ranges are not in this version"},
      {with("'203.0.113.1'", "[80, 443]"), "7:8: service[0].port",
       "port ranges are not in this version"},
      {with("'203.0.113.1'", "'http'"), "7:8: service[0].port", "must be an integer, 0 to 65535"},
      {with("'203.0.113.1'", "65536"), "7:8: service[0].port", "0 to 65535"},
  });
}

TEST(ConfigErrors, Forward) {
  expect_one_error({
      {service("forward = 'web'"), "7:11: service[0].forward", "an array with one entry"},
      {service("forward = []"), "7:11: service[0].forward", "an array with one entry"},
      {service("forward = [{ pool = 'web' }, { pool = 'web' }]"), "7:11: service[0].forward",
       "several pools are not in this version"},
      {service("forward = [{ pool = 'web', weight = 0 }]"), "7:37: service[0].forward[0].weight",
       "1 to 1000"},
      {service("forward = [{ weight = 1 }]"), "7:12: service[0].forward[0].pool", "is missing"},
      {service("forward = [{ pool = 'wep' }]"), "7:21: service[0].pool",
       "no [[pool]] with the name \"wep\""},
      {service("pool = 'web'\nforward = [{ pool = 'web' }]"), "8:11: service[0].forward",
       "cannot stand beside pool"},
  });
}

TEST(ConfigErrors, BackendsAgainstServices) {
  const auto with = [](const std::string& backend) {
    return "pool = [{ name = 'web', backends = [{ name = 'b1', " + backend +
           " }] }]\n[[service]]\nname = 'web'\naddress = '203.0.113.10'\nport = 80\npool = 'web'";
  };
  expect_one_error({
      {with("address = '203.0.113.10'"), "2:62: pool[0].backends[0].address",
       "is the VIP service[0].address"},
      {with("address = '10.0.0.1', port = 6400"), "2:81: pool[0].backends[0].port",
       "only forwarding \"nat\" can change the port; remove the backend's port, or take nat"},
  });
}

TEST(ConfigErrors, AllOfThemInTheFilesOrder) {
  const auto errors = parse(
                          "schema = 1\n"
                          "[[service]]\n"
                          "name = 'web'\n"
                          "address = '203.0.113.10'\n"
                          "port = 80\n"
                          "pool = 'nowhere'\n"
                          "idle_timeout = 350\n"
                          "[[interface]]\n"
                          "name = 'wan'\n"
                          "device = 'eth/1'\n"
                          "[[pool]]\n"
                          "name = 'web'\n"
                          "backends = [{ name = 'b1', address = '10.0.0.11', wieght = 1 },\n"
                          "            { name = 'b1', address = '10.0.0.12', weight = 2000 }]\n",
                          "f.toml")
                          .errors;
  EXPECT_THAT(errors, ElementsAre(StartsWith("f.toml:6:8: service[0].pool: "),
                                  StartsWith("f.toml:7:16: service[0].idle_timeout: "),
                                  StartsWith("f.toml:10:10: interface[0].device: "),
                                  StartsWith("f.toml:13:51: pool[0].backends[0].wieght: "),
                                  StartsWith("f.toml:14:22: pool[0].backends[1].name: "),
                                  StartsWith("f.toml:14:60: pool[0].backends[1].weight: ")));
}

/// So many backends with a key too many each.
std::string wrong_backends(std::size_t count) {
  std::string text = "[[pool]]\nname = 'web'\n";
  for (std::size_t i = 0; i < count; ++i)
    text += "[[pool.backends]]\nname = 'b" + std::to_string(i) + "'\nmagic = 1\naddress = '10.0." +
            std::to_string(i / 250) + "." + std::to_string(i % 250 + 1) + "'\n";
  return text;
}

TEST(ConfigErrors, OfMoreThanAHundredTheOthersAreCounted) {
  EXPECT_THAT(errors_of(wrong_backends(100)), AllOf(SizeIs(100), Each(HasSubstr("magic"))));
  const auto errors = errors_of(wrong_backends(1000));
  ASSERT_THAT(errors, SizeIs(100));
  EXPECT_THAT(errors.front(), StartsWith("f.toml:6:1: pool[0].backends[0].magic: "));
  EXPECT_THAT(errors.back(), StartsWith("f.toml:1:1: file: 901 more errors are not shown"));
}

TEST(ConfigErrors, WhatThereIsNoRoomForIsNotRead) {
  const auto wrong = [](const char* table, std::size_t count) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i) text += table;
    return text;
  };
  expect_one_error({
      {"[capacity]\npools = 2\n" + wrong("[[pool]]\nmagic = 1\n", 3), "3:9: capacity.pools",
       "2 is too few: this configuration has 3 pools"},
      {"[capacity]\nservices = 2\n" + wrong("[[service]]\nmagic = 1\n", 3),
       "3:12: capacity.services", "this configuration has 3 services"},
      {"[capacity]\nbackends = 2\n[[pool]]\n" + wrong("[[pool.backends]]\nmagic = 1\n", 3),
       "3:12: capacity.backends", "this configuration has 3 backends"},
      {wrong("[[pool]]\nmagic = 1\n", 257), "1:1: capacity.pools", "256 is too few"},
  });
}

TEST(ConfigErrors, WhatFollowsFromAnErrorIsNotReported) {
  // Neither "vxlan is only for…", nor "timeout is not shorter", nor "no such pool".
  EXPECT_THAT(errors_of("[[pool]]\nnaem = 'web'\nforwarding = 'vxlam'\n"
                        "vxlan = { vni = 1, inner_mac = '02:67:77:00:00:01' }\n"
                        "[pool.health_check]\ninterval = 60\ntimeout = '30s'\n"
                        "[[service]]\nname = 'web'\naddress = '203.0.113.10'\nport = 80\n"
                        "pool = 'web'\n"),
              ElementsAre(StartsWith("f.toml:2:1: pool[0].name: is missing"),
                          StartsWith("f.toml:3:1: pool[0].naem: unknown key"),
                          StartsWith("f.toml:4:14: pool[0].forwarding: \"vxlam\""),
                          StartsWith("f.toml:7:12: pool[0].health_check.interval: 60 has no")));
}

}  // namespace
}  // namespace guideway::config
