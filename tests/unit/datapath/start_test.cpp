// SPDX-License-Identifier: Apache-2.0
// The pieces of a start: device strings, EAL's command line, TAP names.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "guideway/datapath/dpdk/device.h"
#include "guideway/datapath/dpdk/eal.h"
#include "guideway/datapath/dpdk/huge_pages.h"
#include "guideway/datapath/dpdk/tap.h"
#include "guideway/datapath/dpdk/tap_driver.h"

namespace guideway::datapath::dpdk {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(Device, TakesAVirtualDeviceApart) {
  const auto device = parse_device("wan", "vdev:net_tap0,iface=nic0,mac=fixed");
  ASSERT_TRUE(device);
  EXPECT_EQ(device->bus, Device::Bus::kVdev);
  EXPECT_EQ(device->name, "net_tap0");
  EXPECT_EQ(device->arguments, "iface=nic0,mac=fixed");
  EXPECT_EQ(kernel_driver_of(*device), "");
}

TEST(Device, RefusesAKernelInterfaceAndSaysWhoIsForIt) {
  const auto device = parse_device("wan", "eth1");
  ASSERT_FALSE(device);
  EXPECT_THAT(device.error().message,
              AllOf(HasSubstr("interface wan: eth1 is a kernel interface"), HasSubstr("afxdp"),
                    HasSubstr("xdp"), HasSubstr("are for those")));
}

TEST(Device, RefusesAMissingPciDevice) {
  const auto device = parse_device("wan", "pci:ffff:ff:1f.7");
  ASSERT_FALSE(device);
  EXPECT_THAT(device.error().message, HasSubstr("there is no PCI device ffff:ff:1f.7"));
}

TEST(Device, RefusesAnEmptyName) {
  EXPECT_THAT(parse_device("wan", "vdev:").error().message, HasSubstr("names no device"));
  EXPECT_THAT(parse_device("wan", "vdev:,iface=x").error().message, HasSubstr("names no device"));
}

TEST(EalArguments, KeepTheControlThreadsOffTheWorkersCpus) {
  EalOptions options;
  options.worker_cpus = {1, 3};
  EXPECT_THAT(eal_arguments(options, true, {0, 1, 2, 3}), Contains("0@(0,2)"));
  EXPECT_THAT(eal_arguments(options, true, {1, 3}), Contains("0@(1,3)"));
}

TEST(EalArguments, NeverMixHugePagesWithTheirAbsence) {
  EalOptions options;
  options.memory_mb = 123;
  EXPECT_THAT(eal_arguments(options, true, {0}),
              AllOf(Contains("--in-memory"), Not(Contains("-m"))));
  EXPECT_THAT(eal_arguments(options, false, {0}),
              AllOf(Not(Contains("--in-memory")), Contains("--no-huge"), Contains("--no-shconf"),
                    Contains("123")));
}

TEST(EalArguments, NameTheOnlyPciDevicesToTouch) {
  EalOptions options;
  EXPECT_THAT(eal_arguments(options, true, {0}), Contains("--no-pci"));
  options.pci_addresses = {"0000:3b:00.0"};
  options.extra_arguments = {"--iova-mode=va"};
  const auto arguments = eal_arguments(options, true, {0});
  EXPECT_THAT(arguments, AllOf(Contains("0000:3b:00.0"), Not(Contains("--no-pci"))));
  EXPECT_EQ(arguments.back(), "--iova-mode=va");
}

TEST(HugePages, SayWhatToDoWhenThereAreTooFew) {
  const HugePages pages = probe_huge_pages(std::size_t{1} << 40);
  EXPECT_FALSE(pages.enough);
  EXPECT_THAT(pages.description, AllOf(HasSubstr("no huge pages"), HasSubstr("vm.nr_hugepages")));
}

TEST(Tap, RefusesANameThatTheKernelCannotHold) {
  const auto tap = Tap::make("gw-thirteen-letters", Mac{}, 1500);
  ASSERT_FALSE(tap);
  EXPECT_THAT(tap.error().message, AllOf(HasSubstr("15 bytes"), HasSubstr("shorter name")));
}

TEST(Tap, RefusesANameThatExists) {
  const auto tap = Tap::make("lo", Mac{}, 1500);
  ASSERT_FALSE(tap);
  EXPECT_THAT(tap.error().message, HasSubstr("lo exists already"));
}

TEST(PlainPollingForNetTap, TakesTheFreeSignalsAndGivesThemBack) {
  auto handler_of = [](int number) {
    struct sigaction now {};
    sigaction(number, nullptr, &now);
    return now.sa_handler;
  };
  const int ours = SIGRTMIN + 5;
  void (*mine)(int) = [](int) {};
  std::signal(ours, mine);
  {
    const PlainPollingForNetTap plain_polling;
    for (int number = SIGRTMIN + 1; number < SIGRTMAX; number++) {
      EXPECT_NE(handler_of(number), SIG_DFL) << number;
    }
    EXPECT_EQ(handler_of(ours), mine);
  }
  EXPECT_EQ(handler_of(ours), mine);
  EXPECT_EQ(handler_of(SIGRTMIN + 1), SIG_DFL);
  std::signal(ours, SIG_DFL);
}

}  // namespace
}  // namespace guideway::datapath::dpdk
