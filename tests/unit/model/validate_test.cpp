// SPDX-License-Identifier: Apache-2.0
#include "guideway/model/validate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "guideway/core/layout.h"
#include "guideway/model/limits.h"

namespace guideway::model {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

static_assert(kMaxIdleTimeout.count() == GW_MAX_IDLE_TIMEOUT_S);
static_assert(kMaxWorkers == GW_MAX_SHARDS);
static_assert(kBackendCapacityRange.most == GW_NO_BACKEND);

IpAddress ip(const char* text) { return IpAddress::parse(text).value(); }

Backend backend(const char* name, const char* address) {
  Backend backend;
  backend.name = name;
  backend.address = ip(address);
  return backend;
}

Service service(const char* name, const char* address, std::uint16_t port) {
  Service service;
  service.name = name;
  service.address = ip(address);
  service.port = port;
  service.pool = "web";
  return service;
}

Model good() {
  Model model;
  model.interfaces.push_back(
      {"wan", "pci:0000:3b:00.0", {IpPrefix::parse("198.51.100.2/24").value()}});
  Pool pool;
  pool.name = "web";
  pool.backends = {backend("b1", "10.0.0.11"), backend("b2", "10.0.0.12")};
  pool.health_check = HealthCheck{};
  model.pools.push_back(pool);
  model.services.push_back(service("web", "203.0.113.10", 80));
  return model;
}

/// good(), on a NIC that stays with the kernel.
void use_kernel_interface(Model& model, DatapathKind datapath) {
  model.director.datapath = datapath;
  model.interfaces[0] = {"wan", "eth1", {}};
}

Vxlan good_vxlan() { return {100, 4789, Mac::parse("02:67:77:00:00:01").value()}; }

TEST(Validate, AcceptsAGoodModel) { EXPECT_THAT(validate(good()), IsEmpty()); }

TEST(Validate, AcceptsWhatIsUnusualButMeant) {
  const std::vector<std::function<void(Model&)>> cases = {
      [](Model& m) { m.services.clear(); },
      [](Model& m) { m.services.clear(), m.pools.clear(); },
      [](Model& m) { m.pools[0].backends.clear(); },
      [](Model& m) { m.pools[0].health_check.reset(); },
      // An exact port beside any port of the same address.
      [](Model& m) {
        m.pools[0].health_check.reset();
        m.services.push_back(service("rest", "203.0.113.10", 0));
      },
      [](Model& m) {
        m.services.push_back(service("dns", "203.0.113.10", 80));
        m.services[1].protocol = Protocol::kUdp;
      },
      [](Model& m) { m.services[0].name = std::string(63, 'x'); },
      [](Model& m) { m.interfaces[0].name = std::string(12, 'x'); },
      [](Model& m) { m.interfaces[0].device = "vdev:net_tap0,iface=cable0,persist"; },
      [](Model& m) { m.pools[0].backends[0].port = 80; },
      [](Model& m) { m.pools[0].backends[0].weight = 0; },
      // The next hop is only a MAC address: its family need not be the VIP's.
      [](Model& m) { m.services[0].address = ip("2001:db8::1"); },
      // Each of two equal backends is worth exactly one slot.
      [](Model& m) { m.pools[0].table_size = 2; },
      [](Model& m) { m.pools[0].table_size = 16'777'213; },
      [](Model& m) { m.pools[0].forwarding = Forwarding::kVxlan, m.pools[0].vxlan = good_vxlan(); },
      [](Model& m) {
        m.pools[0].forwarding = Forwarding::kIpip;
        m.pools[0].source = ip("198.51.100.2");
      },
      [](Model& m) { m.pools[0].forwarding = Forwarding::kGre; },
      [](Model& m) { m.pools[0].forwarding = Forwarding::kGre, m.pools[0].gre = Gre{0xffffffff}; },
      [](Model& m) { m.pools[0].forwarding = Forwarding::kGue; },
      [](Model& m) { m.services[0].idle_timeout = seconds(4095); },
      [](Model& m) { m.admin.metrics.clear(); },
      [](Model& m) { m.admin.metrics = "[::1]:9641"; },
      [](Model& m) { m.director.datapath = DatapathKind::kDpdk; },
      [](Model& m) { use_kernel_interface(m, DatapathKind::kAuto); },
      [](Model& m) { use_kernel_interface(m, DatapathKind::kAfxdp); },
      [](Model& m) { use_kernel_interface(m, DatapathKind::kXdp); },
      [](Model& m) {
        use_kernel_interface(m, DatapathKind::kAfxdp);
        m.interfaces[0].replace_program = true;
        m.interfaces.push_back({"lan", "eth1.100", {}});
      },
      // The same server in two pools.
      [](Model& m) { m.pools.push_back(m.pools[0]), m.pools[1].name = "other"; },
      [](Model& m) {
        m.pools[0].health_check->port = 8080;
        m.services.push_back(service("tls", "203.0.113.10", 443));
      },
  };
  for (std::size_t i = 0; i < cases.size(); ++i) {
    Model model = good();
    cases[i](model);
    EXPECT_THAT(validate(model), IsEmpty()) << "case " << i;
  }
}

struct BadCase {
  std::function<void(Model&)> change;
  const char* path;
  const char* message;  // a part of it
};

void expect_one_problem(const std::vector<BadCase>& cases) {
  for (std::size_t i = 0; i < cases.size(); ++i) {
    Model model = good();
    cases[i].change(model);
    const auto problems = validate(model);
    ASSERT_THAT(problems, SizeIs(1)) << "case " << i << ": " << cases[i].path;
    EXPECT_EQ(problems[0].path, cases[i].path);
    EXPECT_THAT(problems[0].message, HasSubstr(cases[i].message));
  }
}

TEST(Validate, RefusesDirectorValues) {
  expect_one_problem({
      {[](Model& m) { m.director.name = "lb 1"; }, "director.name", "1 to 63 characters"},
      {[](Model& m) {
         m.director.worker_cpus = {2, 3, 2};
       },
       "director.workers[2]", "named twice"},
      {[](Model& m) { m.director.worker_cpus = {1024}; }, "director.workers[0]", "0 to 1023"},
      {[](Model& m) {
         for (unsigned i = 0; i < 65; ++i) {
           m.director.worker_cpus.push_back(i);
         }
       },
       "director.workers", "allowed are 64"},
      {[](Model& m) { m.director.icmp_rate = 1'000'001; }, "director.icmp_rate", "0 to 1000000"},
      {[](Model& m) { m.director.state_dir = "var"; }, "director.state_dir", "absolute path"},
      {[](Model& m) { m.director.pin_dir = "/run/\n"; }, "director.pin_dir", "\"/run/\\n\""},
      {[](Model& m) { m.director.flow_dir = "flows"; }, "director.flow_dir", "absolute path"},
      {[](Model& m) {
         m.director.eal_arguments = {"-v", ""};
       },
       "director.eal_arguments[1]", "at least one character"},
      {[](Model& m) { m.director.eal_arguments = {std::string("-v\0", 3)}; },
       "director.eal_arguments[0]", "control characters"},
  });
}

TEST(Validate, RefusesCapacityOutOfRange) {
  expect_one_problem({
      {[](Model& m) { m.capacity.services = 65536; }, "capacity.services", "1 to 65535"},
      {[](Model& m) { m.capacity.pools = 65536; }, "capacity.pools", "1 to 65535"},
      {[](Model& m) { m.capacity.backends = 65536; }, "capacity.backends", "1 to 65535"},
      {[](Model& m) { m.capacity.slots = 4'000'000'000; }, "capacity.slots", "2 to 1073741824"},
      {[](Model& m) { m.capacity.flows = 0; }, "capacity.flows", "1 to 1073741824"},
  });
}

TEST(Validate, RefusesMoreThanTheCapacity) {
  expect_one_problem({
      {[](Model& m) {
         m.capacity.services = 1;
         m.services[0].protocol = Protocol::kTcpUdp;
       },
       "capacity.services", "has 2 services (a tcp_udp service counts twice)"},
      {[](Model& m) {
         m.capacity.pools = 1;
         m.pools.push_back({.name = "empty"});
       },
       "capacity.pools", "has 2 pools"},
      {[](Model& m) { m.capacity.backends = 1; }, "capacity.backends", "has 2 backends"},
      {[](Model& m) { m.capacity.slots = 65536; }, "capacity.slots", "has 65537 slots"},
  });
}

TEST(Validate, RefusesAdminValues) {
  const std::string long_path = "/" + std::string(107, 'x');
  expect_one_problem({
      {[](Model& m) { m.admin.socket = "admin.sock"; }, "admin.socket", "absolute path"},
      {[&](Model& m) { m.admin.status_socket = long_path; }, "admin.status_socket",
       "108 bytes: the kernel allows 107"},
      {[](Model& m) { m.admin.status_socket = m.admin.socket; }, "admin.status_socket",
       "the same as socket"},
      {[](Model& m) { m.admin.metrics = "9641"; }, "admin.metrics", "127.0.0.1:9641"},
      {[](Model& m) { m.admin.metrics = "127.0.0.1:0"; }, "admin.metrics", "address and port"},
      {[](Model& m) { m.admin.metrics = "127.0.0.1:65536"; }, "admin.metrics", "address and port"},
      {[](Model& m) { m.admin.metrics = "::1:9641"; }, "admin.metrics", "[::1]:9641"},
      {[](Model& m) { m.admin.metrics = "[127.0.0.1]:9641"; }, "admin.metrics", "address and port"},
      {[](Model& m) { m.admin.metrics = "localhost:9641"; }, "admin.metrics", "address and port"},
  });
}

TEST(Validate, RefusesInterfaces) {
  const auto add = [](Model& m, const char* name, const char* device) {
    m.interfaces.push_back({name, device, {}});
  };
  expect_one_problem({
      {[](Model& m) { m.interfaces.clear(); }, "interface", "at least one"},
      {[](Model& m) { m.interfaces[0].name = std::string(13, 'x'); }, "interface[0].name",
       "1 to 12 characters"},
      {[](Model& m) { m.interfaces[0].name = "wan/1"; }, "interface[0].name", "A-Z a-z 0-9"},
      {[&](Model& m) { add(m, "wan", "pci:0000:3b:00.1"); }, "interface[1].name",
       "the name of interface[0].name already"},
      {[&](Model& m) { add(m, "lan", "pci:0000:3b:00.0"); }, "interface[1].device",
       "is also interface[0].device"},
      {[](Model& m) { m.interfaces[0].addresses.push_back(m.interfaces[0].addresses[0]); },
       "interface[0].addresses[1]", "name each address once"},
      {[](Model& m) { m.interfaces[0].addresses[0].address = ip("127.0.0.1"); },
       "interface[0].addresses[0]", "loopback"},
  });
}

TEST(Validate, RefusesDevices) {
  const struct {
    const char* device;
    const char* message;
  } cases[] = {
      {"pci:3b:00.0", "not a PCI address"},
      {"pci:0000:3b:00.8", "not a PCI address"},
      {"pci:0000:3b:20.0", "not a PCI address"},
      {"pci:0000:3g:00.0", "not a PCI address"},
      {"vdev:", "not a DPDK virtual device"},
      {"vdev:net_", "not a DPDK virtual device"},
      {"vdev:crypto_null", "not a DPDK virtual device"},
      {"vdev:net_tap0 --in", "not a DPDK virtual device"},
      {"", "not a device"},
      {"..", "not a device"},
      {"a/b", "not a device"},
      {"0000:3b:00.0", "not a device"},
      {"a-name-of-16-chr", "not a device"},
  };
  for (const auto datapath :
       {DatapathKind::kAuto, DatapathKind::kDpdk, DatapathKind::kAfxdp, DatapathKind::kXdp}) {
    for (const auto& c : cases) {
      Model model = good();
      model.director.datapath = datapath;
      model.interfaces[0].device = c.device;
      const auto problems = validate(model);
      ASSERT_THAT(problems, SizeIs(1)) << c.device;
      EXPECT_EQ(problems[0].path, "interface[0].device");
      EXPECT_THAT(problems[0].message, HasSubstr(c.message));
    }
  }
}

TEST(Validate, EachDatapathHasItsSortOfDevice) {
  const char* const sorts[] = {"pci:0000:3b:00.0", "vdev:net_tap0", "eth1"};
  for (const auto datapath : {DatapathKind::kDpdk, DatapathKind::kAfxdp, DatapathKind::kXdp}) {
    for (const char* device : sorts) {
      Model model = good();
      model.director.datapath = datapath;
      model.interfaces[0] = {"wan", device, {}};
      const auto problems = validate(model);
      const bool fits = (datapath == DatapathKind::kDpdk) == !is_kernel_device(device);
      ASSERT_THAT(problems, SizeIs(fits ? 0 : 1)) << device;
      if (fits) continue;
      EXPECT_EQ(problems[0].path, "interface[0].device");
      EXPECT_THAT(problems[0].message,
                  HasSubstr(is_kernel_device(device) ? "is a kernel interface: the datapaths"
                                                     : "is not a kernel interface: the datapaths"));
    }
  }
}

TEST(Validate, RefusesInterfacesOfTwoSorts) {
  expect_one_problem({
      {[](Model& m) {
         m.interfaces.push_back({"lan", "eth1", {}});
       },
       "interface[1].device", "of different sorts"},
      {[](Model& m) {
         use_kernel_interface(m, DatapathKind::kAuto);
         m.interfaces.push_back({"lan", "vdev:net_tap0", {}});
       },
       "interface[1].device", "of different sorts"},
  });
}

TEST(Validate, RefusesKeysOfTheOtherSortOfDevice) {
  for (const auto datapath : {DatapathKind::kAuto, DatapathKind::kAfxdp, DatapathKind::kXdp}) {
    Model model = good();
    use_kernel_interface(model, datapath);
    model.interfaces[0].addresses = {IpPrefix::parse("198.51.100.2/24").value()};
    const auto problems = validate(model);
    ASSERT_THAT(problems, SizeIs(1));
    EXPECT_EQ(problems[0].path, "interface[0].addresses");
    EXPECT_THAT(problems[0].message, HasSubstr("keeps the addresses that it has"));
  }
  for (const auto datapath : {DatapathKind::kAuto, DatapathKind::kDpdk}) {
    Model model = good();
    model.director.datapath = datapath;
    model.interfaces[0].replace_program = true;
    const auto problems = validate(model);
    ASSERT_THAT(problems, SizeIs(1));
    EXPECT_EQ(problems[0].path, "interface[0].replace_program");
    EXPECT_THAT(problems[0].message, HasSubstr("only a kernel interface"));
  }
}

TEST(Validate, RefusesPools) {
  expect_one_problem({
      {[](Model& m) { m.pools[0].name = m.services[0].pool = std::string(64, 'x'); },
       "pool[0].name", "1 to 63 characters"},
      {[](Model& m) { m.pools.push_back({.name = "web"}); }, "pool[1].name", "must be unique"},
      {[](Model& m) { m.pools[0].vxlan = good_vxlan(); }, "pool[0].vxlan",
       "only for forwarding \"vxlan\""},
      {[](Model& m) { m.pools[0].forwarding = Forwarding::kVxlan; }, "pool[0].vxlan", "is missing"},
      {[](Model& m) { m.pools[0].gre = Gre{}; }, "pool[0].gre", "only for forwarding \"gre\""},
      {[](Model& m) { m.pools[0].gue = Gue{}; }, "pool[0].gue", "only for forwarding \"gue\""},
      {[](Model& m) { m.pools[0].forwarding = Forwarding::kGue, m.pools[0].gue = Gue{0}; },
       "pool[0].gue.port", "1 to 65535"},
      {[](Model& m) { m.pools[0].source = ip("10.0.0.1"); }, "pool[0].source", "l2dsr"},
  });
}

TEST(Validate, RefusesTunnelValues) {
  const auto vxlan = [](const std::function<void(Vxlan&)>& change) {
    return [change](Model& m) {
      m.pools[0].forwarding = Forwarding::kVxlan;
      m.pools[0].vxlan = good_vxlan();
      change(*m.pools[0].vxlan);
    };
  };
  const auto source = [](const char* address) {
    return [address](Model& m) {
      m.pools[0].forwarding = Forwarding::kIpip;
      m.pools[0].source = ip(address);
    };
  };
  expect_one_problem({
      {vxlan([](Vxlan& v) { v.vni = 1u << 24; }), "pool[0].vxlan.vni", "0 to 16777215"},
      {vxlan([](Vxlan& v) { v.port = 0; }), "pool[0].vxlan.port", "1 to 65535"},
      {vxlan([](Vxlan& v) { v.inner_mac = Mac{}; }), "pool[0].vxlan.inner_mac", "one device"},
      {vxlan([](Vxlan& v) { v.inner_mac.bytes[0] = 3; }), "pool[0].vxlan.inner_mac", "one device"},
      {source("2001:db8::1"), "pool[0].source", "not of the family of backend \"b1\""},
      {source("224.0.0.1"), "pool[0].source", "multicast"},
  });
}

TEST(Validate, RefusesTableSizes) {
  expect_one_problem({
      {[](Model& m) { m.pools[0].table_size = 65536; }, "pool[0].table_size",
       "not a prime number: the next one is 65537"},
      {[](Model& m) { m.pools[0].table_size = 1; }, "pool[0].table_size", "2 to 16777213"},
      {[](Model& m) { m.pools[0].table_size = 0; }, "pool[0].table_size", "2 to 16777213"},
      {[](Model& m) { m.pools[0].table_size = 9; }, "pool[0].table_size", "the next one is 11"},
      {[](Model& m) {
         m.pools[0].backends[0].weight = 1;
         m.pools[0].backends[1].weight = 1000;
         m.pools[0].table_size = 997;
       },
       "pool[0].table_size", "\"b1\" with weight 1 of 1001"},
      // Weight 0 needs no slot, but a drained backend may come back.
      {[](Model& m) {
         m.pools[0].backends.push_back(backend("b3", "10.0.0.13"));
         m.pools[0].backends[0].weight = 0;
         m.pools[0].backends[1].state = AdminState::kDrain;
         m.pools[0].backends[1].weight = 1;
         m.pools[0].table_size = 97;
       },
       "pool[0].table_size", "take 101 or a larger prime"},
  });
}

TEST(Validate, TooLargeTableIsAlsoTooManySlots) {
  Model model = good();
  model.pools[0].table_size = 4'294'967'295;
  const auto problems = validate(model);
  ASSERT_THAT(problems, SizeIs(2));
  EXPECT_EQ(problems[0].path, "capacity.slots");
  EXPECT_EQ(problems[1].path, "pool[0].table_size");
}

TEST(Validate, RefusesBackends) {
  const auto address = [](const char* text) {
    return [text](Model& m) { m.pools[0].backends[1].address = ip(text); };
  };
  expect_one_problem({
      {[](Model& m) { m.pools[0].backends[1].name = "b1"; }, "pool[0].backends[1].name",
       "must be unique"},
      {[](Model& m) { m.pools[0].backends[1].name = ""; }, "pool[0].backends[1].name",
       "1 to 63 characters"},
      {[](Model& m) { m.pools[0].backends[1].weight = 1001; }, "pool[0].backends[1].weight",
       "0 to 1000"},
      {address("203.0.113.10"), "pool[0].backends[1].address", "is the VIP service[0].address"},
      {address("198.51.100.2"), "pool[0].backends[1].address", "our own, in interface[0]"},
      {address("10.0.0.11"), "pool[0].backends[1].address",
       "the same address and port as pool[0].backends[0] (\"b1\")"},
      {address("127.0.0.1"), "pool[0].backends[1].address", "loopback"},
      {address("::1"), "pool[0].backends[1].address", "loopback"},
      {address("fe80::1"), "pool[0].backends[1].address", "link-local"},
      {address("169.254.1.1"), "pool[0].backends[1].address", "link-local"},
      {address("239.0.0.1"), "pool[0].backends[1].address", "multicast"},
      {address("0.0.0.0"), "pool[0].backends[1].address", "unspecified"},
      {address("::"), "pool[0].backends[1].address", "unspecified"},
      {address("255.255.255.255"), "pool[0].backends[1].address", "broadcast"},
  });
}

/// good() with servers on port 6400, behind one NAT address.
void use_nat(Model& model) {
  Pool& pool = model.pools[0];
  pool.forwarding = Forwarding::kNat;
  pool.nat_sources = {ip("198.51.100.9")};
  for (Backend& each : pool.backends) each.port = 6400;
}

TEST(Validate, AcceptsNat) {
  Model model = good();
  use_nat(model);
  EXPECT_THAT(validate(model), IsEmpty());
  model.pools[0].nat_sources.push_back(ip("2001:db8::9"));  // for services to come
  model.services.push_back(service("tls", "203.0.113.10", 443));
  EXPECT_THAT(validate(model), IsEmpty());
  EXPECT_EQ(nat_capacity_of(model), 2U);
  model.capacity.nat_addresses = 5;
  EXPECT_EQ(nat_capacity_of(model), 5U);
}

TEST(Validate, AcceptsNatThatKeepsTheClientsAddress) {
  Model model = good();
  use_nat(model);
  model.pools[0].snat = false;
  model.pools[0].nat_sources.clear();
  EXPECT_THAT(validate(model), IsEmpty());
  EXPECT_THAT(nat_addresses_of(model), IsEmpty());
  EXPECT_EQ(nat_planes_of(model), std::vector<IpAddress>{ip("0.0.0.0")});
  EXPECT_EQ(nat_capacity_of(model), 1U);
}

TEST(Validate, RefusesNatThatCannotWork) {
  const auto nat = [](const std::function<void(Model&)>& change) {
    return [change](Model& m) {
      use_nat(m);
      change(m);
    };
  };
  const auto source = [&](const char* address) {
    return nat([address](Model& m) { m.pools[0].nat_sources[0] = ip(address); });
  };
  expect_one_problem({
      {nat([](Model& m) { m.pools[0].nat_sources.clear(); }), "pool[0].source", "is missing"},
      {nat([](Model& m) { m.pools[0].snat = false; }), "pool[0].source", "no meaning with snat"},
      {[](Model& m) { m.pools[0].snat = false; }, "pool[0].snat", "only for forwarding \"nat\""},
      {nat([](Model& m) {
         m.pools[0].snat = false;
         m.pools[0].nat_sources.clear();
         m.capacity.nat_addresses = 0;
       }),
       "capacity.nat_addresses", "1"},
      {source("224.0.0.1"), "pool[0].source[0]", "multicast"},
      {source("203.0.113.10"), "pool[0].source[0]", "is the VIP service[0].address"},
      {source("198.51.100.2"), "pool[0].source[0]", "is the host's own"},
      {source("10.0.0.12"), "pool[0].source[0]", "is a backend's, pool[0].backends[1].address"},
      {source("2001:db8::9"), "pool[0].source", "has no IPv4 address"},
      {nat([](Model& m) {
         m.pools[0].health_check.emplace();
         m.pools[0].health_check->source = ip("198.51.100.9");
       }),
       "pool[0].source[0]", "is pool[0].health_check.source"},
      {nat([](Model& m) {
         Pool other = m.pools[0];
         other.name = "other";
         other.nat_sources = {};
         other.snat = false;
         m.pools.push_back(other);
         m.pools[0].panic.action = PanicAction::kFallback;
         m.pools[0].panic.fallback_pool = "other";
       }),
       "pool[0].fallback_pool", "one has snat = false"},
      {nat([](Model& m) { m.pools[0].nat_sources.push_back(ip("198.51.100.9")); }),
       "pool[0].source[1]", "named twice"},
      {nat([](Model& m) {
         for (int i = 20; i < 28; i++)
           m.pools[0].nat_sources.push_back(ip(("198.51.100." + std::to_string(i)).c_str()));
       }),
       "pool[0].source", "at most 8"},
      {nat([](Model& m) { m.pools[0].backends[1].address = ip("2001:db8::12"); }),
       "pool[0].backends[1].address", "does not cross families"},
      {nat([](Model& m) {
         m.pools[0].scheduler = Scheduler::kRoundRobin;
         m.services[0].hash = HashKey::kSource;
       }),
       "pool[0].scheduler", "cannot keep a client at one backend"},
      {nat([](Model& m) {
         m.pools.push_back({.name = "spare", .backends = {backend("s1", "10.0.0.21")}});
         m.pools[0].panic.action = PanicAction::kFallback;
         m.pools[0].panic.fallback_pool = "spare";
       }),
       "pool[0].fallback_pool", "both must have it"},
      {nat([](Model& m) { m.capacity.nat_addresses = 0; }), "capacity.nat_addresses",
       "0 is too few"},
  });
}

TEST(Validate, TakesToaWhereItTellsBackendsMore) {
  Model model = good();
  use_nat(model);
  model.pools[0].toa = true;
  EXPECT_THAT(validate(model), IsEmpty());
  model.services.push_back(service("quic", "203.0.113.10", 443));
  model.services.back().protocol = Protocol::kUdp;
  EXPECT_THAT(validate(model), IsEmpty()) << "a pool may have both";
  expect_one_problem({
      {[](Model& m) { m.pools[0].toa = true; }, "pool[0].toa", "only for forwarding \"nat\""},
      {[](Model& m) {
         use_nat(m);
         m.pools[0].toa = true;
         m.pools[0].snat = false;
         m.pools[0].nat_sources.clear();
       },
       "pool[0].toa", "no meaning with snat = false"},
      {[](Model& m) {
         use_nat(m);
         m.pools[0].toa = true;
         m.pools[0].health_check.reset();
         m.services[0].protocol = Protocol::kUdp;
       },
       "pool[0].toa", "none of the pool's services is"},
  });
}

TEST(Validate, RefusesAnotherPortOutsideNat) {
  expect_one_problem({
      {[](Model& m) { m.pools[0].backends[0].port = 8080; }, "pool[0].backends[0].port",
       "only forwarding \"nat\" can change the port"},
      {[](Model& m) {
         m.pools[0].health_check.reset();
         m.pools[0].backends[0].port = 80;
         m.services.push_back(service("tls", "203.0.113.10", 443));
       },
       "pool[0].backends[0].port", "of service \"tls\", 443"},
      {[](Model& m) {
         m.pools[0].health_check.reset();
         m.pools[0].backends[0].port = 80;
         m.services[0].port = 0;
       },
       "pool[0].backends[0].port", "of service \"web\", any"},
  });
}

TEST(Validate, PortThatIsTheServicesMakesNoOtherServer) {
  Model model = good();
  model.pools[0].backends[1] = backend("b2", "10.0.0.11");
  model.pools[0].backends[1].port = 80;
  const auto problems = validate(model);
  ASSERT_THAT(problems, SizeIs(1));
  EXPECT_THAT(problems[0].message, HasSubstr("the same address and port"));
}

TEST(Validate, RefusesHealthChecks) {
  const auto check = [](const std::function<void(HealthCheck&)>& change) {
    return [change](Model& m) { change(*m.pools[0].health_check); };
  };
  const std::string long_path = "/" + std::string(1024, 'x');
  expect_one_problem({
      {check([](HealthCheck& c) { c.timeout = c.interval; }), "pool[0].health_check.timeout",
       "10000ms is not shorter than interval, 10000ms"},
      {check([](HealthCheck& c) { c.timeout = milliseconds(0); }), "pool[0].health_check.timeout",
       "too short"},
      {check([](HealthCheck& c) { c.interval = milliseconds(99); }),
       "pool[0].health_check.interval", "100ms to 3600000ms"},
      {check([](HealthCheck& c) { c.interval = milliseconds(3'600'001); }),
       "pool[0].health_check.interval", "100ms to 3600000ms"},
      {check([](HealthCheck& c) { c.healthy_threshold = 0; }),
       "pool[0].health_check.healthy_threshold", "1 to 100"},
      {check([](HealthCheck& c) { c.unhealthy_threshold = 101; }),
       "pool[0].health_check.unhealthy_threshold", "1 to 100"},
      {check([](HealthCheck& c) { c.path = "health"; }), "pool[0].health_check.path",
       "must start with \"/\""},
      {check([](HealthCheck& c) { c.path = "/a b"; }), "pool[0].health_check.path",
       "visible ASCII"},
      {check([](HealthCheck& c) { c.path = "/\r\nHost: x"; }), "pool[0].health_check.path",
       "visible ASCII"},
      {check([&](HealthCheck& c) { c.path = long_path; }), "pool[0].health_check.path",
       "at most 1024"},
      {check([](HealthCheck& c) { c.protocol = CheckProtocol::kTcp, c.path = "/x"; }),
       "pool[0].health_check.path", "only for the protocols"},
      {check([](HealthCheck& c) { c.protocol = CheckProtocol::kPing, c.port = 7; }),
       "pool[0].health_check.port", "no meaning"},
      {check([](HealthCheck& c) { c.protocol = CheckProtocol::kExec; }),
       "pool[0].health_check.protocol", "not in this version"},
      {check([](HealthCheck& c) { c.host = "a b"; }), "pool[0].health_check.host", "visible ASCII"},
      {check([](HealthCheck& c) { c.host = "x\r\nX: y"; }), "pool[0].health_check.host",
       "visible ASCII"},
      {check([](HealthCheck& c) { c.expected_status.clear(); }),
       "pool[0].health_check.expected_status", "1 to 16 statuses"},
      {check([](HealthCheck& c) {
         c.expected_status = {{300, 200}};
       }),
       "pool[0].health_check.expected_status", "100 to 599"},
      {check([](HealthCheck& c) { c.expected_text = std::string(1025, 'x'); }),
       "pool[0].health_check.expected_text", "at most 1024"},
      {check([](HealthCheck& c) { c.expect = "pong"; }), "pool[0].health_check.expect",
       "only for the protocol \"udp\""},
      {check([](HealthCheck& c) { c.protocol = CheckProtocol::kTcp, c.expected_text = "x"; }),
       "pool[0].health_check.expected_text", "only for the protocols"},
      {check([](HealthCheck& c) { c.address = ip("0.0.0.0"); }), "pool[0].health_check.address",
       "unspecified"},
      {check([](HealthCheck& c) { c.source = ip("2001:db8::1"); }), "pool[0].health_check.source",
       "not of the family"},
      {check([](HealthCheck& c) { c.fast_interval = milliseconds(99); }),
       "pool[0].health_check.fast_interval", "100ms to interval"},
      {check([](HealthCheck& c) { c.jitter_percent = 51; }), "pool[0].health_check.jitter",
       "0 to 50"},
      {check([](HealthCheck& c) { c.longest_flap_hold = milliseconds(4999); }),
       "pool[0].health_check.longest_flap_hold", "shorter than flap_hold"},
      {check([](HealthCheck& c) { c.longest_flap_hold = milliseconds(86'400'001); }),
       "pool[0].health_check.longest_flap_hold", "at most 24h"},
      {[](Model& m) { m.services[0].port = 0; }, "pool[0].health_check.port", "takes any port"},
      {[](Model& m) { m.services.push_back(service("tls", "203.0.113.10", 443)); },
       "pool[0].health_check.port", "more than one port"},
  });
}

TEST(Validate, RefusesChainsOfFallbacks) {
  Model model = good();
  model.pools[0].health_check.reset();
  model.pools.resize(3, model.pools[0]);
  model.pools[1].name = "second";
  model.pools[2].name = "third";
  for (int i = 0; i < 2; ++i) model.pools[i].panic.action = PanicAction::kFallback;
  model.pools[0].panic.fallback_pool = "third";
  model.pools[1].panic.fallback_pool = "third";
  EXPECT_THAT(validate(model), IsEmpty());
  model.pools[0].panic.fallback_pool = "second";
  const auto problems = validate(model);
  ASSERT_THAT(problems, SizeIs(1));
  EXPECT_EQ(problems[0].path, "pool[0].fallback_pool");
  EXPECT_THAT(problems[0].message, HasSubstr("falls back itself"));
}

TEST(Validate, TheServicesOfAPoolAreAlsoThoseOfItsFallback) {
  Model model = good();
  model.pools[0].health_check.reset();
  model.pools.push_back(model.pools[0]);
  model.pools[1].name = "spare";
  model.pools[0].panic.action = PanicAction::kFallback;
  model.pools[0].panic.fallback_pool = "spare";
  EXPECT_THAT(services_of(model, "spare"), testing::ElementsAre(0U));
  model.pools[1].backends[0].port = 8080;
  const auto problems = validate(model);
  ASSERT_THAT(problems, SizeIs(1));
  EXPECT_EQ(problems[0].path, "pool[1].backends[0].port");
}

TEST(Validate, RefusesServices) {
  const auto address = [](const char* text) {
    return [text](Model& m) { m.services[0].address = ip(text); };
  };
  expect_one_problem({
      {[](Model& m) { m.services[0].name = "ü"; }, "service[0].name", "1 to 63 characters"},
      {[](Model& m) { m.services.push_back(service("web", "203.0.113.11", 80)); },
       "service[1].name", "must be unique"},
      {[](Model& m) { m.services[0].pool = "wep"; }, "service[0].pool",
       "no [[pool]] with the name \"wep\": add it, or name one that is there, for example \"web\""},
      {[](Model& m) { m.pools.clear(); }, "service[0].pool", "add it"},
      {[](Model& m) { m.services[0].idle_timeout = seconds(0); }, "service[0].idle_timeout",
       "1s to 4095s"},
      {[](Model& m) { m.services[0].idle_timeout = seconds(4096); }, "service[0].idle_timeout",
       "1s to 4095s"},
      {address("0.0.0.0"), "service[0].address", "unspecified"},
      {address("127.0.0.53"), "service[0].address", "loopback"},
      {address("ff02::1"), "service[0].address", "multicast"},
      {address("fe80::1"), "service[0].address", "link-local"},
      {address("169.254.1.1"), "service[0].address", "link-local"},
      {address("255.255.255.255"), "service[0].address", "broadcast"},
      {[](Model& m) {
         m.services.push_back(service("udp", "203.0.113.10", 80));
         m.services[1].protocol = Protocol::kUdp;
         m.services[1].vip = VipMode::kRouted;
       },
       "service[1].vip", "either \"owned\" or \"routed\""},
  });
}

TEST(Validate, RefusesServicesThatTakeTheSamePackets) {
  const struct {
    Protocol first, second;
    bool clash;
  } cases[] = {
      {Protocol::kTcp, Protocol::kTcp, true},    {Protocol::kTcp, Protocol::kUdp, false},
      {Protocol::kTcp, Protocol::kTcpUdp, true}, {Protocol::kTcpUdp, Protocol::kUdp, true},
      {Protocol::kUdp, Protocol::kUdp, true},    {Protocol::kTcpUdp, Protocol::kTcpUdp, true},
  };
  for (const auto& c : cases) {
    Model model = good();
    model.services.push_back(service("other", "203.0.113.10", 80));
    model.services[0].protocol = c.first;
    model.services[1].protocol = c.second;
    const auto problems = validate(model);
    ASSERT_THAT(problems, SizeIs(c.clash ? 1 : 0));
    if (c.clash) {
      EXPECT_EQ(problems[0].path, "service[1].address");
      EXPECT_THAT(problems[0].message, HasSubstr("as service[0] (\"web\")"));
    }
  }
}

TEST(Validate, ReportsEverythingAtOnce) {
  Model model = good();
  model.interfaces[0].device = "eth/0";
  model.pools[0].backends[0].weight = 2000;
  model.pools[0].health_check->timeout = seconds(60);
  model.services[0].idle_timeout = seconds(9999);
  EXPECT_THAT(validate(model), SizeIs(4));
}

TEST(Validate, WhatIsMissingBringsNoOtherProblem) {
  Model model = good();
  model.pools[0].name.clear();  // perhaps the pool that the service means
  model.pools[0].backends.push_back({});
  model.pools[0].backends.push_back({});
  std::vector<std::string> paths;
  for (const Problem& problem : validate(model)) {
    paths.push_back(problem.path);
  }
  EXPECT_THAT(paths, ::testing::ElementsAre(
                         "pool[0].name", "pool[0].backends[2].name", "pool[0].backends[2].address",
                         "pool[0].backends[3].name", "pool[0].backends[3].address"));
}

TEST(Validate, TakesThousandsOfPoolsInReasonableTime) {
  constexpr unsigned kMany = 65'535;
  Model model = good();
  model.capacity.services = kMany;
  model.capacity.pools = kMany;
  model.capacity.slots = 1u << 30;
  Pool small = model.pools[0];
  small.table_size = 251;
  small.backends.clear();
  small.health_check.reset();
  Service one = service("s", "10.2.0.0", 80);
  model.pools.clear();
  model.services.clear();
  for (unsigned i = 0; i < kMany; ++i) {
    small.name = one.pool = "p" + std::to_string(i);
    one.name = "s" + std::to_string(i);
    one.address =
        IpAddress::v4({10, 2, static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i)});
    model.pools.push_back(small);
    model.services.push_back(one);
  }
  // Pools times services would take minutes, and the test run's limit would end it.
  EXPECT_THAT(validate(model), IsEmpty());
}

TEST(Validate, TakesThousandsOfServicesAndBackendsInReasonableTime) {
  constexpr unsigned kMany = 16'384;
  Model model = good();
  model.capacity.services = kMany;
  model.capacity.backends = kMany;
  model.pools[0].health_check.reset();
  model.pools[0].backends.clear();
  for (unsigned i = 0; i < kMany; ++i) {
    Backend server;
    server.name = "b" + std::to_string(i);
    server.address =
        IpAddress::v4({10, 1, static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i)});
    server.port = 80;
    model.pools[0].backends.push_back(server);
  }
  model.services.clear();
  for (unsigned i = 0; i < kMany; ++i) {
    Service one = service("s", "10.2.0.0", 80);
    one.name += std::to_string(i);
    one.address =
        IpAddress::v4({10, 2, static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i)});
    model.services.push_back(one);
  }
  // What is quadratic in one of the two would take minutes, and the test run's limit would end it.
  EXPECT_THAT(validate(model), IsEmpty());
}

}  // namespace
}  // namespace guideway::model
