// SPDX-License-Identifier: Apache-2.0
#include "guideway/decap/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <iterator>
#include <string>

#include "guideway/decap/host.h"
#include "options.h"
#include "status_view.h"

namespace guideway::decap {
namespace {

using testing::HasSubstr;

template <typename... Words>
Result<Options> parse(Words... words) {
  const char* argv[] = {"guideway-decap", words...};
  return parse_options(static_cast<int>(std::size(argv)), argv);
}

TEST(DecapSettings, AnAddressAloneIsAPrefixOfItself) {
  EXPECT_EQ(parse_prefix("10.0.0.1")->to_string(), "10.0.0.1/32");
  EXPECT_EQ(parse_prefix("2001:db8::1")->to_string(), "2001:db8::1/128");
  EXPECT_EQ(parse_prefix("10.0.0.0/8")->to_string(), "10.0.0.0/8");
  EXPECT_EQ(parse_prefix("::/0")->length, 0);
}

TEST(DecapSettings, ABadPrefixIsNamed) {
  for (const char* bad : {"10.0.0.1/24", "10.0.0.0/33", "fd00::1/64", "here", "", "10.0.0.0/",
                          "224.0.0.0/4", "127.0.0.0/8", "::1", "ff00::/8", "::ffff:10.0.0.1"}) {
    const auto prefix = parse_prefix(bad);
    ASSERT_FALSE(prefix) << bad;
    EXPECT_THAT(prefix.error().message, HasSubstr("\"" + std::string(bad) + "\""));
  }
  EXPECT_THAT(parse_prefix("10.0.0.1/24").error().message, HasSubstr("write 10.0.0.0/24"));
}

TEST(DecapSettings, TunnelsAreNamed) {
  EXPECT_EQ(to_string(*parse_tunnels("vxlan,ipip")), "ipip,vxlan");
  EXPECT_EQ(to_string(Tunnels{}), "ipip,gre,gue,vxlan");
  EXPECT_FALSE(parse_tunnels(""));
  EXPECT_FALSE(parse_tunnels("ipip,"));
  EXPECT_THAT(parse_tunnels("geneve").error().message, HasSubstr("geneve"));
}

TEST(DecapOptions, ListsMayBeRepeatedOrInARow) {
  const auto options =
      parse("attach", "eth0", "--from", "10.0.0.1", "10.0.0.2", "--from", "fd00::1", "--vip",
            "203.0.113.0/24", "--local", "10.9.0.1", "--mode", "native");
  ASSERT_TRUE(options) << options.error().message;
  EXPECT_EQ(options->action, Options::Action::kAttach);
  EXPECT_EQ(options->place.device, "eth0");
  EXPECT_EQ(options->place.pin_folder, "/run/guideway/decap/eth0");
  EXPECT_EQ(options->settings.from.size(), 3U);
  EXPECT_EQ(options->settings.vips.size(), 1U);
  EXPECT_EQ(options->settings.local.size(), 1U);
  EXPECT_EQ(options->settings.gue_port, 6080);
  EXPECT_EQ(options->mode, Mode::kNative);
}

TEST(DecapOptions, WhatIsWrongIsSaid) {
  EXPECT_THAT(parse().error().message, HasSubstr("attach, detach or status"));
  EXPECT_THAT(parse("attach").error().message, HasSubstr("one device"));
  EXPECT_THAT(parse("attach", "eth0").error().message, HasSubstr("--from is missing"));
  EXPECT_THAT(parse("attach", "eth0", "--from", "10.0.0.1").error().message,
              HasSubstr("--vip is missing"));
  EXPECT_THAT(parse("attach", "eth0", "--from", "10.0.0.300", "--vip", "10.0.0.1").error().message,
              HasSubstr("--from: \"10.0.0.300\""));
  EXPECT_THAT(parse("detach", "eth0", "--vip", "10.0.0.1").error().message,
              HasSubstr("--vip is for attach only"));
  EXPECT_THAT(parse("detach", "eth0", "--json").error().message, HasSubstr("status only"));
  EXPECT_THAT(parse("status", "eth0", "--nonsense").error().message, HasSubstr("--help"));
  for (const char* port : {"0", "65536"})
    EXPECT_THAT(
        parse("attach", "eth0", "--from", "10.0.0.1", "--vip", "10.0.0.2", "--gue-port", port)
            .error()
            .message,
        HasSubstr(port));
}

TEST(DecapStatusView, JsonNamesEveryReason) {
  Status status;
  status.packets.assign(reasons().size(), 3);
  status.settings.from = {*parse_prefix("10.0.0.1")};
  const std::string json = status_json("eth0", status);
  for (const Reason& reason : reasons())
    EXPECT_THAT(json, HasSubstr("\"" + std::string(reason.name) + "\":3"));
  EXPECT_THAT(json, HasSubstr("\"from\":[\"10.0.0.1/32\"]"));
  EXPECT_EQ(status_json("eth0", std::nullopt), "{\"device\":\"eth0\",\"attached\":false}\n");
}

TEST(DecapStatusView, TextShowsWhatHappened) {
  Status status;
  status.packets.assign(reasons().size(), 0);
  status.packets[0] = 41;
  status.packets.back() = 1;
  const std::string text = status_text("eth0", status);
  EXPECT_THAT(text, HasSubstr("41"));
  EXPECT_THAT(text, HasSubstr("dropped: not_cut"));
  EXPECT_THAT(text, testing::Not(HasSubstr("gre_flags")));
}

}  // namespace
}  // namespace guideway::decap
