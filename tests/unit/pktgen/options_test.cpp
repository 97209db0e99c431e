// SPDX-License-Identifier: Apache-2.0
#include "options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

namespace guideway::pktgen {
namespace {

using testing::HasSubstr;

Result<Options> parse(const std::string& line) {
  std::istringstream words("guideway-pktgen " + line);
  std::vector<std::string> arguments;
  for (std::string word; words >> word;) arguments.push_back(word);
  std::vector<const char*> pointers;
  for (const std::string& argument : arguments) pointers.push_back(argument.c_str());
  return parse_options(static_cast<int>(pointers.size()), pointers.data());
}

const std::string kEnough =
    "--device net_af_packet0,iface=v0 --vip 203.0.113.10 --port 80 --gateway-mac "
    "02:00:00:00:00:01 ";

std::string error_of(const std::string& line) {
  const auto options = parse(line);
  return options ? "none" : options.error().message;
}

TEST(Options, HaveDefaults) {
  const auto options = parse(kEnough);
  ASSERT_TRUE(options) << options.error().message;
  EXPECT_EQ(options->device, "vdev:net_af_packet0,iface=v0");
  EXPECT_FALSE(options->sink);
  EXPECT_EQ(options->seconds, 10);
  EXPECT_EQ(options->traffic.flows, 1'000'000u);
  EXPECT_EQ(options->rate_pps, 0u);
  EXPECT_EQ(options->traffic.traffic, Traffic::kEstablished);
  EXPECT_FALSE(options->zipf);
  EXPECT_EQ(options->max_late, 1);
  EXPECT_FALSE(options->latency || options->find_rate);
  EXPECT_EQ(options->between, Between::kRouter);
  EXPECT_EQ(options->protocol, Protocol::kTcp);
  EXPECT_EQ(options->size, Size::k64);
  EXPECT_FALSE(options->json || options->allow_real_network);
}

TEST(Options, AreAllRead) {
  const auto options = parse(
      "--device 0000:3b:00.0 --sink vdev:net_tap1 --vip 203.0.113.10 --vip 2001:db8::1 "
      "--port 53 --protocol udp --gateway-mac 02:00:00:00:00:01 --flows 10000000 "
      "--traffic new --size imix --mtu 1400 --family both --rate 5000 --seconds 0.5 "
      "--open 8 --data 0 --max-late 0.125 --latency --find-rate --bridge "
      "--seed 99 --max-loss 0.25 --cpus 2,3 --json --allow-real-network");
  ASSERT_TRUE(options) << options.error().message;
  EXPECT_EQ(options->device, "pci:0000:3b:00.0");
  EXPECT_EQ(options->sink, "vdev:net_tap1");
  EXPECT_EQ(options->vips.size(), 2u);
  EXPECT_EQ(options->port, 53);
  EXPECT_EQ(options->protocol, Protocol::kUdp);
  EXPECT_EQ(options->traffic.flows, 10'000'000u);
  EXPECT_EQ(options->traffic.traffic, Traffic::kNew);
  EXPECT_EQ(options->traffic.side_by_side, 8u);
  EXPECT_EQ(options->traffic.data, 0u);
  EXPECT_EQ(options->max_late, 0.125);
  EXPECT_TRUE(options->latency && options->find_rate);
  EXPECT_EQ(options->between, Between::kBridge);
  EXPECT_EQ(options->size, Size::kImix);
  EXPECT_EQ(options->mtu, 1400u);
  EXPECT_EQ(options->rate_pps, 5000u);
  EXPECT_EQ(options->seconds, 0.5);
  EXPECT_EQ(options->seed, 99u);
  EXPECT_EQ(options->max_loss, 0.25);
  EXPECT_EQ(options->cpus, (std::vector<unsigned>{2, 3}));
  EXPECT_TRUE(options->json && options->allow_real_network);
}

TEST(Options, PopularityHasAnExponent) {
  const auto options = parse(kEnough + "--popularity zipf:1.1");
  ASSERT_TRUE(options) << options.error().message;
  EXPECT_EQ(options->zipf, 1.1);
  for (const char* wrong : {"zipf", "zipf:", "zipf:0", "zipf:6", "zipf:nan", "1.1", "zipf:1.1x"}) {
    EXPECT_THAT(error_of(kEnough + "--popularity " + wrong), HasSubstr("--popularity"));
  }
  EXPECT_THAT(error_of(kEnough + "--popularity zipf:1 --traffic new"),
              HasSubstr("established and mixed"));
}

TEST(Options, LatencyNeedsData) {
  for (const char* flood : {"syn-flood", "ack-flood"})
    EXPECT_THAT(error_of(kEnough + "--latency --traffic " + flood), HasSubstr("data"));
  EXPECT_EQ(error_of(kEnough + "--latency --traffic connections"), "none");
}

TEST(Options, ConnectionsHaveLimits) {
  EXPECT_THAT(error_of(kEnough + "--open 0"), HasSubstr("1 to 1000000"));
  EXPECT_THAT(error_of(kEnough + "--data 1001"), HasSubstr("0 to 1000"));
  EXPECT_THAT(error_of(kEnough + "--max-late 1.5"), HasSubstr("--max-late"));
}

TEST(Options, FamilyChoosesAmongTheVips) {
  const auto options = parse(kEnough + "--vip 2001:db8::1 --family 6");
  ASSERT_TRUE(options);
  ASSERT_EQ(options->vips.size(), 1u);
  EXPECT_FALSE(options->vips[0].is_v4());
  EXPECT_THAT(error_of(kEnough + "--family 6"), HasSubstr("no --vip"));
  EXPECT_THAT(error_of(kEnough + "--family both"), HasSubstr("no --vip"));
}

TEST(Options, TheSameDeviceTwiceIsOneDevice) {
  const auto options = parse(kEnough + "--sink vdev:net_af_packet0,iface=v0");
  ASSERT_TRUE(options);
  EXPECT_FALSE(options->sink);
  EXPECT_THAT(error_of(kEnough + "--sink net_af_packet0,iface=v1"), HasSubstr("same device"));
}

TEST(Options, WhatIsMissingIsNamed) {
  EXPECT_EQ(error_of(""), "--device is missing");
  EXPECT_EQ(error_of("--device net_tap0"), "--vip is missing");
}

TEST(Options, WrongValuesAreNamed) {
  EXPECT_THAT(error_of("--device eth1 --vip 1.2.3.4 --port 1 --gateway-mac 02:00:00:00:00:01"),
              HasSubstr("\"eth1\""));
  for (const char* wrong : {"--flows 0",
                            "--flows 10000001",
                            "--flows -1",
                            "--size 65",
                            "--traffic old",
                            "--rate 0",
                            "--rate -5",
                            "--rate fast",
                            "--rate 1000000001",
                            "--seconds 0",
                            "--seconds nan",
                            "--seconds 86401",
                            "--family 5",
                            "--protocol sctp",
                            "--max-loss 1.1",
                            "--max-loss -0.1",
                            "--mtu 67",
                            "--mtu 9001",
                            "--cpus 2",
                            "--cpus 2,x",
                            "--cpus 2,",
                            "--cpus ,2",
                            "--cpus 1024,2",
                            "--sink 0000:3b:00",
                            "--sink 0000:3b:00.x",
                            "--sink net_",
                            "--vip 203.0.113.10",
                            "--vip 224.0.0.1",
                            "--vip 0.0.0.0",
                            "--vip x",
                            "--vip 198.19.0.1",
                            "--sink lo",
                            "--unknown",
                            "left-over",
                            "--traffic syn-flood --protocol udp",
                            "--traffic ack-flood --protocol udp",
                            "--traffic mixed --flows 7",
                            "--seed -"}) {
    EXPECT_NE(error_of(kEnough + wrong), "none") << wrong;
  }
  for (const char* mac : {"02:00:00:00:00", "00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff"}) {
    EXPECT_THAT(
        error_of("--device net_tap0 --vip 1.2.3.4 --port 1 --gateway-mac " + std::string(mac)),
        HasSubstr(mac));
  }
  for (const char* port : {"0", "65536", "-1"}) {
    EXPECT_NE(error_of("--device net_tap0 --vip 1.2.3.4 --gateway-mac 02:00:00:00:00:01 --port " +
                       std::string(port)),
              "none");
  }
}

TEST(Options, HelpNeedsNothingElse) {
  const auto options = parse("--help");
  ASSERT_TRUE(options);
  EXPECT_EQ(options->action, Options::Action::kHelp);
  for (const char* option : {"--device", "--sink", "--allow-real-network", "Exit code"}) {
    EXPECT_THAT(help_text(), HasSubstr(option));
  }
}

}  // namespace
}  // namespace guideway::pktgen
