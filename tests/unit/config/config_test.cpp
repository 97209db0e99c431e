// SPDX-License-Identifier: Apache-2.0
#include "guideway/config/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "interface_line.h"

namespace guideway::config {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;
using namespace std::chrono_literals;

// Every key, each with a value that is not its default.
constexpr const char* kFull = R"(
schema = 1
[director]
name = "lb1"
datapath = "dpdk"
workers = [2, 3]
idle = "poll"
hash_seed = "000102030405060708090a0b0c0d0e0F"
state_dir = "/tmp/state"
pin_dir = "/tmp/pins"
flow_dir = "/tmp/flows"
on_stop = "detach"
min_rebuild_interval = "250ms"
vip_icmp = "kernel"
unserved_ports = "drop"
icmp_rate = 250
on_too_big = "drop"
eal_arguments = ["--no-pci", "-v"]
[capacity]
services = 10
pools = 20
backends = 30
slots = 1_000_000
flows = 5000
[admin]
socket = "/tmp/admin.sock"
status_socket = "/tmp/status.sock"
metrics = ""
[[interface]]
name = "wan"
device = "pci:0000:3b:00.0"
addresses = ["198.51.100.2/24", "2001:db8::2/64"]
[[interface]]
name = "lan"
device = "vdev:net_tap0,iface=cable0"
[[pool]]
name = "web"
forwarding = "vxlan"
vxlan = { vni = 100, port = 8472, inner_mac = "02:67:77:00:00:01" }
source = "198.51.100.2"
scheduler = "maglev"
table_size = 1009
backends = [
  { name = "b1", address = "10.0.0.11", weight = 7, port = 80 },
  { name = "b2", address = "10.0.0.12", state = "drain" },
  { name = "b3", address = "10.0.0.13", state = "disabled" },
]
  [pool.health_check]
  protocol = "http"
  port = 8443
  path = "/api/v1/health"
  interval = "2m"
  timeout = "250ms"
  healthy_threshold = 3
  unhealthy_threshold = 4
[[service]]
name = "web"
address = "2001:db8:80::10"
protocol = "tcp_udp"
port = 80
pool = "web"
vip = "routed"
hash = "source_destination"
idle_timeout = "1h"
)";

model::Model full_model() {
  const LoadResult result = parse(kFull, "full.toml");
  EXPECT_THAT(result.errors, IsEmpty());
  return result.model.value_or(model::Model{});
}

TEST(Config, ReadsDirectorCapacityAndAdmin) {
  const model::Model model = full_model();
  EXPECT_EQ(model.director.name, "lb1");
  EXPECT_EQ(model.director.datapath, model::DatapathKind::kDpdk);
  EXPECT_THAT(model.director.worker_cpus, ElementsAre(2, 3));
  EXPECT_EQ(model.director.idle, model::IdlePolicy::kPoll);
  EXPECT_EQ(model.director.hash_seed,
            (model::HashSeed{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}));
  EXPECT_EQ(model.director.state_dir, "/tmp/state");
  EXPECT_EQ(model.director.pin_dir, "/tmp/pins");
  EXPECT_EQ(model.director.flow_dir, "/tmp/flows");
  EXPECT_EQ(model.director.on_stop, model::OnStop::kDetach);
  EXPECT_EQ(model.director.min_rebuild_interval, std::chrono::milliseconds(250));
  EXPECT_EQ(model.director.vip_icmp, model::VipIcmp::kKernel);
  EXPECT_EQ(model.director.unserved_ports, model::UnservedPorts::kDrop);
  EXPECT_EQ(model.director.on_too_big, model::OnTooBig::kDrop);
  EXPECT_EQ(model.director.icmp_rate, 250u);
  EXPECT_THAT(model.director.eal_arguments, ElementsAre("--no-pci", "-v"));
  EXPECT_EQ(model.capacity, (model::Capacity{10, 20, 30, 1'000'000, 5000}));
  EXPECT_EQ(model.admin, (model::Admin{"/tmp/admin.sock", "/tmp/status.sock", ""}));
}

TEST(Config, ReadsInterfaces) {
  const model::Model model = full_model();
  ASSERT_THAT(model.interfaces, SizeIs(2));
  EXPECT_EQ(model.interfaces[0], (model::Interface{"wan",
                                                   "pci:0000:3b:00.0",
                                                   {*IpPrefix::parse("198.51.100.2/24"),
                                                    *IpPrefix::parse("2001:db8::2/64")}}));
  EXPECT_EQ(model.interfaces[1], (model::Interface{"lan", "vdev:net_tap0,iface=cable0", {}}));
}

TEST(Config, ReadsEverySchedulerByTheNameThatStatusShows) {
  for (const auto scheduler :
       {model::Scheduler::kMaglev, model::Scheduler::kRoundRobin,
        model::Scheduler::kWeightedRoundRobin, model::Scheduler::kLeastConnections,
        model::Scheduler::kWeightedLeastConnections}) {
    std::string text = kFull;
    const std::string maglev = "\"maglev\"";
    text.replace(text.find(maglev), maglev.size(),
                 std::string("\"") + model::to_string(scheduler) + "\"");
    const LoadResult result = parse(text, "full.toml");
    EXPECT_THAT(result.errors, IsEmpty());
    ASSERT_TRUE(result.model);
    EXPECT_EQ(result.model->pools[0].scheduler, scheduler);
  }
}

TEST(Config, ReadsAKernelInterface) {
  const auto result = parse(
      "director = { datapath = 'afxdp' }\n"
      "[[interface]]\nname = 'wan'\ndevice = 'eth1'\nreplace_program = true\n"
      "[[interface]]\nname = 'lan'\ndevice = 'eth2'\n",
      "f.toml");
  ASSERT_THAT(result.errors, IsEmpty());
  EXPECT_EQ(result.model->director.datapath, model::DatapathKind::kAfxdp);
  EXPECT_THAT(result.model->interfaces, ElementsAre(model::Interface{"wan", "eth1", {}, true},
                                                    model::Interface{"lan", "eth2", {}, false}));
}

TEST(Config, ReadsThatADeviceMayTakeTheDefaultRoute) {
  const auto result = parse(
      "[[interface]]\nname = 'wan'\ndevice = 'vdev:net_af_xdp0,iface=eth0'\n"
      "take_default_route = true\n",
      "f.toml");
  ASSERT_THAT(result.errors, IsEmpty());
  EXPECT_TRUE(result.model->interfaces[0].take_default_route);
}

TEST(Config, ReadsPools) {
  const model::Model model = full_model();
  ASSERT_THAT(model.pools, SizeIs(1));
  const model::Pool& pool = model.pools[0];
  EXPECT_EQ(pool.name, "web");
  EXPECT_EQ(pool.forwarding, model::Forwarding::kVxlan);
  EXPECT_EQ(pool.vxlan, (model::Vxlan{100, 8472, *Mac::parse("02:67:77:00:00:01")}));
  EXPECT_EQ(pool.source, *IpAddress::parse("198.51.100.2"));
  EXPECT_EQ(pool.table_size, 1009u);
  EXPECT_THAT(
      pool.backends,
      ElementsAre(
          model::Backend{"b1", *IpAddress::parse("10.0.0.11"), 80, 7, model::AdminState::kEnabled},
          model::Backend{"b2", *IpAddress::parse("10.0.0.12"), 0, 100, model::AdminState::kDrain},
          model::Backend{"b3", *IpAddress::parse("10.0.0.13"), 0, 100,
                         model::AdminState::kDisabled}));
  EXPECT_EQ(pool.health_check, (model::HealthCheck{model::CheckProtocol::kHttp, 8443,
                                                   "/api/v1/health", 2min, 250ms, 3, 4}));
}

TEST(Config, ReadsServices) {
  const model::Model model = full_model();
  EXPECT_THAT(model.services,
              ElementsAre(model::Service{
                  "web", *IpAddress::parse("2001:db8:80::10"), model::Protocol::kTcpUdp, 80, "web",
                  model::VipMode::kRouted, model::HashKey::kSourceDestination, 3600s}));
}

TEST(Config, TakesDefaultsForWhatIsAbsent) {
  const auto result =
      parse(std::string(kInterface) + "[[pool]]\nname = 'p'\n[pool.health_check]\n", "f.toml");
  ASSERT_THAT(result.errors, IsEmpty());
  model::Model expected;
  expected.interfaces.push_back({"wan", "vdev:net_null0", {}});
  expected.pools.push_back({.name = "p", .health_check = model::HealthCheck{}});
  EXPECT_EQ(result.model, expected);
}

TEST(Config, AutoAndTrafficAreTheDefaultsInWords) {
  const auto result = parse(std::string(kInterface) +
                                "director = { workers = 'auto', datapath = 'auto' }\n"
                                "[[pool]]\nname = 'p'\nsource = 'auto'\n"
                                "health_check = { port = 'traffic' }\n",
                            "f.toml");
  ASSERT_THAT(result.errors, IsEmpty());
  EXPECT_THAT(result.model->director.worker_cpus, IsEmpty());
  EXPECT_EQ(result.model->pools[0].source, std::nullopt);
  EXPECT_EQ(result.model->pools[0].health_check->port, 0);
}

TEST(Config, ReadsEverythingOfAnHttpCheck) {
  const auto result = parse(std::string(kInterface) +
                                "[[pool]]\nname = 'p'\n[pool.health_check]\nprotocol = 'https'\n"
                                "host = 'web.example'\nexpected_status = '200,301-302'\n"
                                "expected_text = 'ready'\naddress = '10.0.0.9'\n"
                                "source = '10.0.0.1'\nfast_interval = '1s'\njitter = 20\n"
                                "flap_hold = '0s'\nlongest_flap_hold = '1m'\n",
                            "f.toml");
  ASSERT_THAT(result.errors, IsEmpty());
  const model::HealthCheck& check = *result.model->pools[0].health_check;
  EXPECT_EQ(check.protocol, model::CheckProtocol::kHttps);
  EXPECT_EQ(check.host, "web.example");
  EXPECT_THAT(check.expected_status,
              ElementsAre(model::StatusRange{200, 200}, model::StatusRange{301, 302}));
  EXPECT_EQ(check.expected_text, "ready");
  EXPECT_EQ(check.address, *IpAddress::parse("10.0.0.9"));
  EXPECT_EQ(check.source, *IpAddress::parse("10.0.0.1"));
  EXPECT_EQ(check.fast_interval, 1s);
  EXPECT_EQ(check.jitter_percent, 20u);
  EXPECT_EQ(check.flap_hold, 0s);
  EXPECT_EQ(check.longest_flap_hold, 1min);
}

TEST(Config, PayloadsAreTextOrHexadecimal) {
  const auto result = parse(std::string(kInterface) +
                                "[[pool]]\nname = 'p'\n[pool.health_check]\nprotocol = 'udp'\n"
                                "send = 'hex:00ff0a'\nexpect = 'pong'\n",
                            "f.toml");
  ASSERT_THAT(result.errors, IsEmpty());
  const model::HealthCheck& check = *result.model->pools[0].health_check;
  EXPECT_EQ(check.send, std::string("\0\xff\n", 3));
  EXPECT_EQ(check.expect, "pong");
}

TEST(Config, ReadsPanic) {
  const auto result =
      parse(std::string(kInterface) +
                "[[pool]]\nname = 'p'\npanic_threshold = 50\npanic_hysteresis = 5\n"
                "panic = 'fallback'\nfallback_pool = 'q'\nmax_ejected_percent = 30\n"
                "[[pool]]\nname = 'q'\n",
            "f.toml");
  ASSERT_THAT(result.errors, IsEmpty());
  EXPECT_EQ(result.model->pools[0].panic,
            (model::PanicPolicy{50, 5, model::PanicAction::kFallback, "q", 30}));
  EXPECT_EQ(result.model->pools[1].panic, model::PanicPolicy{});
}

TEST(Config, ForwardWithOneEntryIsPool) {
  const std::string start = std::string(kInterface) +
                            "pool = [{ name = 'p' }]\n[[service]]\nname = 's'\nport = 1\n"
                            "address = '203.0.113.10'\n";
  const auto with_pool = parse(start + "pool = 'p'\n", "f.toml");
  const auto with_forward = parse(start + "forward = [{ pool = 'p', weight = 9 }]\n", "f.toml");
  ASSERT_TRUE(with_pool.model);
  EXPECT_EQ(with_pool.model, with_forward.model);
}

TEST(Config, ReadsAllUnitsOfTime) {
  for (const auto& [text, expected] :
       std::vector<std::pair<std::string, std::chrono::milliseconds>>{
           {"100ms", 100ms}, {"0100ms", 100ms}, {"7s", 7s}, {"2m", 2min}, {"1h", 1h}}) {
    const auto result = parse(std::string(kInterface) +
                                  "[[pool]]\nname = 'p'\n[pool.health_check]\ntimeout = '20ms'\n"
                                  "interval = '" +
                                  text + "'\n",
                              "f.toml");
    ASSERT_THAT(result.errors, IsEmpty()) << text;
    EXPECT_EQ(result.model->pools[0].health_check->interval, expected);
  }
}

TEST(Config, SyntaxErrorsHaveTheirPlace) {
  const struct {
    std::string text;
    const char* start;
  } cases[] = {
      {"name = \n", "f.toml:1:8: syntax: not TOML: "},
      {"a = 1\na = 2\n", "f.toml:2:5: syntax: not TOML: "},
      {"x = 'open\n", "f.toml:1:10: syntax: not TOML: "},
      {"interval = 10s\n", "f.toml:1:14: syntax: not TOML: "},
      {std::string("a\0b = 1", 7), "f.toml:1:2: syntax: not TOML: "},
      {"a = '\xff'\n", "f.toml:1:5: syntax: not TOML: "},
  };
  for (const auto& c : cases) {
    const LoadResult result = parse(c.text, "f.toml");
    EXPECT_FALSE(result.model);
    ASSERT_THAT(result.errors, SizeIs(1)) << c.text;
    EXPECT_THAT(result.errors[0], StartsWith(c.start));
  }
}

TEST(Config, ErrorsAreOneHarmlessLine) {
  const auto result =
      parse("\"\\u001b[2J\\n\" = 1\n[director]\nname = \"\\u001b\\n\\u202e\"\n", "dir\n/f.toml");
  ASSERT_THAT(result.errors, SizeIs(3));  // and no interface
  for (const std::string& error : result.errors) {
    EXPECT_THAT(error, StartsWith("dir\\n/f.toml:"));
    EXPECT_EQ(error.find_first_of("\x1b\n"), std::string::npos) << error;
  }
}

TEST(Config, DeepNestingIsAnErrorAndNoCrash) {
  const auto repeat = [](std::string_view text, int count) {
    std::string all;
    for (int i = 0; i < count; ++i) {
      all += text;
    }
    return all;
  };
  const int many = 1'000'000;
  for (const std::string& text :
       {repeat("a.", many) + "a=1", "[" + repeat("a.", many) + "a]", "a=" + repeat("[", many),
        "a=" + repeat("{a=", many), repeat("'='.", many) + "a=1", repeat("\"\\\"\".", many) + "a=1",
        "x='''\n'''\n" + repeat("a . ", many) + "a=1"}) {
    const auto errors = parse(text, "f.toml").errors;
    ASSERT_THAT(errors, SizeIs(1));
    EXPECT_THAT(errors[0], HasSubstr("nested too deep: allowed are 32 levels"));
  }
}

TEST(Config, DotsAndBracketsInTextAreNotNesting) {
  const std::string dots(1000, '.');
  const std::string brackets(1000, '[');
  const auto result =
      parse(std::string(kInterface) + "# " + dots + brackets + "\n[director]\n" +
                "eal_arguments = [\"" + dots + "\\\"" + brackets + "\", '" + dots + "', \"\"\"" +
                dots + "\"\n" + dots + "\"\"\", '''" + brackets + "\n''']\n",
            "f.toml");
  // The line ends in the multi-line ones are refused: as control characters, not as nesting.
  EXPECT_THAT(result.errors, ElementsAre(HasSubstr("director.eal_arguments[2]: "),
                                         HasSubstr("director.eal_arguments[3]: ")));
}

TEST(Config, NearestKeyOfAnOverlongOneIsFoundToo) {
  const auto errors = parse(std::string(1 << 20, 'x') + " = 1\n" + kInterface, "f.toml").errors;
  ASSERT_THAT(errors, SizeIs(1));
  EXPECT_LT(errors[0].size(), 300u);
}

TEST(Config, TakesManyErrors) {
  std::string text = kInterface;
  for (int i = 0; i < 5000; ++i) {
    text += "k" + std::to_string(i) + " = 1\n";
  }
  const auto errors = parse(text, "f.toml").errors;
  ASSERT_THAT(errors, SizeIs(100));
  EXPECT_THAT(errors.back(), HasSubstr("4901 more errors are not shown"));
}

TEST(Config, RefusesAFileTooLarge) {
  const auto errors = parse(std::string((16u << 20) + 1, '\n'), "f.toml").errors;
  EXPECT_THAT(errors, ElementsAre(HasSubstr("is larger than 16777216 bytes")));
}

/// A directory of this test, removed at its end.
class ConfigFile : public ::testing::Test {
 protected:
  ConfigFile() {
    char pattern[] = "/tmp/guideway-config-test-XXXXXX";
    directory_ = mkdtemp(pattern);
  }
  ~ConfigFile() override { std::filesystem::remove_all(directory_); }

  std::string write(const std::string& text) const {
    const std::string path = directory_ + "/f.toml";
    std::ofstream(path) << text;
    return path;
  }
  std::string directory_;
};

TEST_F(ConfigFile, IsReadFromDisk) {
  const LoadResult result = load_file(write(kFull));
  EXPECT_THAT(result.errors, IsEmpty());
  EXPECT_EQ(result.model, full_model());
}

TEST_F(ConfigFile, ErrorsNameThePath) {
  const std::string path = write(std::string(kInterface) + "pools = 1\n");
  EXPECT_THAT(load_file(path).errors, ElementsAre(StartsWith(path + ":2:1: pools: unknown key")));
}

TEST_F(ConfigFile, ThatCannotBeReadIsAnError) {
  EXPECT_THAT(load_file(directory_ + "/none").errors,
              ElementsAre(HasSubstr("cannot be opened: No such file or directory")));
  EXPECT_THAT(load_file(directory_).errors,
              ElementsAre(HasSubstr("cannot be read: Is a directory")));
}

TEST_F(ConfigFile, WithoutAnEndIsReadToTheLimitOnly) {
  EXPECT_THAT(load_file("/dev/zero").errors, ElementsAre(HasSubstr("is larger than")));
}

TEST(ExampleFiles, AreGood) {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(GUIDEWAY_SOURCE_ROOT "/config")) {
    if (entry.path().extension() == ".toml") {
      EXPECT_THAT(load_file(entry.path()).errors, IsEmpty());
      ++count;
    }
  }
  EXPECT_GE(count, 4);
}

TEST(ExampleFiles, TheFirstIsAListenerOnPort80ForThreeCheckedTargets) {
  const auto loaded = load_file(GUIDEWAY_SOURCE_ROOT "/config/web.toml");
  ASSERT_TRUE(loaded.model);
  const model::Service& service = loaded.model->services.at(0);
  const model::Pool& pool = loaded.model->pools.at(0);
  EXPECT_EQ(service.port, 80);
  EXPECT_EQ(service.protocol, model::Protocol::kTcp);
  EXPECT_EQ(service.pool, pool.name);
  EXPECT_EQ(pool.backends.size(), 3u);
  ASSERT_TRUE(pool.health_check);
  const model::HealthCheck& check = *pool.health_check;
  EXPECT_EQ(check.protocol, model::CheckProtocol::kHttp);
  EXPECT_EQ(check.port, 0);  // "traffic"
  EXPECT_EQ(check.path, "/api/v1/health");
  EXPECT_EQ(check.interval, std::chrono::seconds(10));
  EXPECT_EQ(check.timeout, std::chrono::seconds(5));
  EXPECT_EQ(check.healthy_threshold, 2u);
  EXPECT_EQ(check.unhealthy_threshold, 2u);
}

}  // namespace
}  // namespace guideway::config
