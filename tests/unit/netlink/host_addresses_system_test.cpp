// SPDX-License-Identifier: Apache-2.0
// HostAddresses on a real kernel: a host and a peer in two namespaces, joined by a veth pair.
#include "guideway/netlink/host_addresses.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "../../support/ip.h"
#include "../../support/temporary_dir.h"
#include "guideway/netlink/announce.h"
#include "netns.h"

namespace guideway::netlink {
namespace {

using test::Netns;

using guideway::test::ip;
IpPrefix prefix(const std::string& text) { return IpPrefix::parse(text).value(); }

/// Sees every frame that arrives on an interface.
class Capture {
 public:
  Capture(const Netns& netns, const std::string& interface) {
    netns.run([&] {
      fd_ = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
      sockaddr_ll at{};
      at.sll_family = AF_PACKET;
      at.sll_protocol = htons(ETH_P_ALL);
      at.sll_ifindex = static_cast<int>(if_nametoindex(interface.c_str()));
      if (bind(fd_, reinterpret_cast<sockaddr*>(&at), sizeof at) != 0) {
        throw std::runtime_error("cannot capture on " + interface);
      }
    });
  }
  ~Capture() { close(fd_); }
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;

  bool sees(const std::vector<std::uint8_t>& wanted) const {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (std::chrono::steady_clock::now() < deadline) {
      pollfd polled{.fd = fd_, .events = POLLIN, .revents = 0};
      if (poll(&polled, 1, 1000) <= 0) continue;
      std::array<std::uint8_t, 2048> frame{};
      const auto size = recv(fd_, frame.data(), frame.size(), 0);
      if (size > 0 && std::vector<std::uint8_t>(frame.begin(), frame.begin() + size) == wanted) {
        return true;
      }
    }
    return false;
  }

 private:
  int fd_ = -1;
};

class HostAddressesSystemTest : public testing::Test {
 protected:
  HostAddressesSystemTest() {
    host.sh("ip link add gw0 address 02:00:00:00:00:01 type veth peer name peer0 netns " +
            peer.path());
    peer.sh("ip addr add 10.1.0.2/24 dev peer0 && ip addr add fd01::2/64 dev peer0 nodad");
    peer.sh("ip link set peer0 up");
    peer.sh("ip route add 203.0.113.0/24 dev peer0 && ip route add 2001:db8::/64 dev peer0");
    addresses = open(state_dir);
  }

  /// As a director with this state directory does.
  std::unique_ptr<HostAddresses> open(const guideway::test::TemporaryDir& directory) {
    std::unique_ptr<HostAddresses> opened;
    host.run([&] {
      opened = HostAddresses::open(OwnedAddresses::open(directory.path("")).value()).value();
    });
    return opened;
  }

  /// The next run of a director after this one crashed.
  void crash_and_start_again() {
    addresses->leave();
    addresses = open(state_dir);
  }

  void bring_up() { set_interface({prefix("10.1.0.1/24"), prefix("fd01::1/64")}); }

  void set_interface(const std::vector<IpPrefix>& prefixes) {
    host.run([&] {
      const auto set = addresses->set_interface("gw0", prefixes);
      ASSERT_TRUE(set) << set.error().message;
    });
  }

  void own(const std::set<IpAddress>& vips) { own(*addresses, vips); }
  void own(HostAddresses& owner, const std::set<IpAddress>& vips) {
    host.run([&] {
      const auto owned = owner.own_vips(vips, {"gw0"});
      ASSERT_TRUE(owned) << owned.error().message;
      const auto announced = owner.announce_due(std::chrono::steady_clock::now());
      ASSERT_TRUE(announced) << announced.error().message;
    });
  }

  bool has(const std::string& address, const std::string& interface) const {
    return host.output("ip -o addr show dev " + interface).find(" " + address + " ") !=
           std::string::npos;
  }

  bool peer_learns(const std::string& address, const std::string& mac) const {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (peer.output("ip neigh show " + address).find(mac) == std::string::npos) {
      if (std::chrono::steady_clock::now() > deadline) return false;
    }
    return true;
  }

  Netns host;
  Netns peer;
  guideway::test::TemporaryDir state_dir;
  std::unique_ptr<HostAddresses> addresses;
};

TEST_F(HostAddressesSystemTest, InterfaceGetsItsAddressesAndComesUp) {
  bring_up();
  EXPECT_TRUE(has("10.1.0.1/24", "gw0"));
  EXPECT_TRUE(has("fd01::1/64", "gw0"));
  EXPECT_EQ(host.output("ip -6 addr show dev gw0 to fd01::1").find("tentative"), std::string::npos);
  peer.sh("ping -c 1 -W 5 10.1.0.1");
  bring_up();  // again: nothing to do, nothing wrong
  addresses->release();
  EXPECT_FALSE(has("10.1.0.1/24", "gw0"));
  EXPECT_FALSE(has("fd01::1/64", "gw0"));
  addresses->release();
}

TEST_F(HostAddressesSystemTest, FoundInterfaceAddressIsLeft) {
  host.sh("ip addr add 10.1.0.1/24 dev gw0");
  bring_up();
  addresses.reset();
  EXPECT_TRUE(has("10.1.0.1/24", "gw0"));
  EXPECT_FALSE(has("fd01::1/64", "gw0"));
}

TEST_F(HostAddressesSystemTest, PeersReachOwnedVips) {
  bring_up();
  own({ip("203.0.113.10"), ip("2001:db8::10")});
  EXPECT_TRUE(has("203.0.113.10/32", "lo"));
  EXPECT_TRUE(has("2001:db8::10/128", "gw0"));
  host.sh("ip -6 route add fd01::/64 dev gw0 || true");
  peer.sh("ping -c 1 -W 5 203.0.113.10");
  peer.sh("ping -c 1 -W 5 2001:db8::10");
}

TEST_F(HostAddressesSystemTest, HostDoesNotSendFromAVip) {
  set_interface({prefix("10.1.0.1/24"), prefix("2001:db8::1/64")});
  own({ip("203.0.113.10"), ip("2001:db8::10")});
  EXPECT_NE(host.output("ip route get 10.1.0.2").find("src 10.1.0.1 "), std::string::npos);
  EXPECT_NE(host.output("ip route get 2001:db8::11").find("src 2001:db8::1 "), std::string::npos);
}

TEST_F(HostAddressesSystemTest, NewVipsAreAnnouncedOnTheInterface) {
  bring_up();
  const Capture capture(peer, "peer0");
  own({ip("203.0.113.10")});
  const Mac mac = Mac::parse("02:00:00:00:00:01").value();
  EXPECT_TRUE(capture.sees(announcement(ip("203.0.113.10"), mac)));
  own({ip("203.0.113.10"), ip("2001:db8::10")});
  EXPECT_TRUE(capture.sees(announcement(ip("2001:db8::10"), mac)));
}

TEST_F(HostAddressesSystemTest, AnnouncementMovesTheVipInThePeersTable) {
  bring_up();
  peer.sh("sysctl -qw net.ipv4.neigh.peer0.locktime=0");
  peer.sh("ip neigh add 203.0.113.10 lladdr 02:00:00:00:00:55 dev peer0 nud stale");
  peer.sh("ip neigh add 2001:db8::10 lladdr 02:00:00:00:00:55 dev peer0 nud stale");
  own({ip("203.0.113.10"), ip("2001:db8::10")});
  EXPECT_TRUE(peer_learns("203.0.113.10", "02:00:00:00:00:01"));
  EXPECT_TRUE(peer_learns("2001:db8::10", "02:00:00:00:00:01"));
}

TEST_F(HostAddressesSystemTest, UnwantedVipIsRemovedAndFoundOneIsLeft) {
  host.sh("ip addr add 203.0.113.11/32 dev lo");
  bring_up();
  own({ip("203.0.113.10"), ip("203.0.113.11"), ip("203.0.113.12")});
  own({ip("203.0.113.12")});
  EXPECT_FALSE(has("203.0.113.10/32", "lo"));
  EXPECT_TRUE(has("203.0.113.11/32", "lo"));
  EXPECT_TRUE(has("203.0.113.12/32", "lo"));
  addresses.reset();
  EXPECT_TRUE(has("203.0.113.11/32", "lo"));
  EXPECT_FALSE(has("203.0.113.12/32", "lo"));
}

TEST_F(HostAddressesSystemTest, AnAddressThatIsToBeOursAloneIsNotFoundElsewhere) {
  bring_up();
  own({ip("198.51.100.9"), ip("2001:db8:9::9")});
  const auto require = [&] {
    Result<void> result;
    host.run([&] { result = addresses->require_ours({ip("198.51.100.9"), ip("2001:db8:9::9")}); });
    return result;
  };
  EXPECT_TRUE(require());
  host.sh("ip addr add 198.51.100.9/24 dev gw0");
  const auto refused = require();
  ASSERT_FALSE(refused);
  const std::string& message = refused.error().message;
  EXPECT_NE(message.find("198.51.100.9 is on interface gw0 (198.51.100.9/24)"), std::string::npos)
      << message;
  host.sh("ip addr del 198.51.100.9/24 dev gw0");
  EXPECT_TRUE(require());
  addresses->leave();  // what an earlier run left behind is ours, what nobody has on record is not
  addresses = open(state_dir);
  EXPECT_TRUE(require());
  const guideway::test::TemporaryDir other_dir;
  auto other = open(other_dir);
  host.run([&] { EXPECT_FALSE(other->require_ours({ip("198.51.100.9")})); });
}

TEST_F(HostAddressesSystemTest, LostVipIsRepaired) {
  bring_up();
  own({ip("203.0.113.10"), ip("2001:db8::10")});
  host.sh("ip addr del 203.0.113.10/32 dev lo");
  host.sh("ip link set gw0 down && ip link set gw0 up");  // takes the IPv6 addresses along
  EXPECT_FALSE(has("2001:db8::10/128", "gw0"));
  own({ip("203.0.113.10"), ip("2001:db8::10")});
  EXPECT_TRUE(has("203.0.113.10/32", "lo"));
  EXPECT_TRUE(has("2001:db8::10/128", "gw0"));
}

TEST_F(HostAddressesSystemTest, VipLeftByACrashIsRemovedByTheNextRun) {
  bring_up();
  own({ip("203.0.113.10"), ip("2001:db8::10")});
  crash_and_start_again();
  ASSERT_TRUE(has("203.0.113.10/32", "lo"));
  own({ip("203.0.113.10"), ip("2001:db8::10")});
  addresses->release();
  EXPECT_FALSE(has("203.0.113.10/32", "lo"));
  EXPECT_FALSE(has("2001:db8::10/128", "gw0"));
}

TEST_F(HostAddressesSystemTest, VipLeftByACrashGoesWhenTheConfigurationHasItNoMore) {
  bring_up();
  own({ip("203.0.113.10"), ip("203.0.113.11")});
  crash_and_start_again();
  own({ip("203.0.113.11")});
  EXPECT_FALSE(has("203.0.113.10/32", "lo"));
  EXPECT_TRUE(has("203.0.113.11/32", "lo"));
}

TEST_F(HostAddressesSystemTest, AStartThatFailsTakesOnlyWhatItHasAdded) {
  bring_up();
  own({ip("203.0.113.10"), ip("2001:db8::10")});
  crash_and_start_again();
  bring_up();
  own({ip("203.0.113.10"), ip("203.0.113.11"), ip("2001:db8::10")});
  addresses.reset();
  EXPECT_TRUE(has("203.0.113.10/32", "lo"));
  EXPECT_TRUE(has("2001:db8::10/128", "gw0"));
  EXPECT_TRUE(has("10.1.0.1/24", "gw0"));
  EXPECT_FALSE(has("203.0.113.11/32", "lo"));
  addresses = open(state_dir);
  addresses->release();
  EXPECT_FALSE(has("203.0.113.10/32", "lo")) << "it is still on record";
  EXPECT_FALSE(has("2001:db8::10/128", "gw0"));
}

TEST_F(HostAddressesSystemTest, AStartThatFailsAtOnceTakesNothing) {
  bring_up();
  own({ip("203.0.113.10")});
  crash_and_start_again();
  addresses.reset();
  EXPECT_TRUE(has("203.0.113.10/32", "lo"));
}

TEST_F(HostAddressesSystemTest, AnotherDirectorsVipIsLeft) {
  bring_up();
  own({ip("203.0.113.10")});
  const guideway::test::TemporaryDir other_dir;
  auto other = open(other_dir);
  own(*other, {ip("203.0.113.10"), ip("203.0.113.11")});
  own(*other, {});
  EXPECT_TRUE(has("203.0.113.10/32", "lo"));
  EXPECT_FALSE(has("203.0.113.11/32", "lo"));
  own(*other, {ip("203.0.113.10")});
  other.reset();
  EXPECT_TRUE(has("203.0.113.10/32", "lo"));
}

TEST_F(HostAddressesSystemTest, AnAddressThatWasRemovedAndAddedByHandBetweenRunsIsLeft) {
  bring_up();
  own({ip("203.0.113.10"), ip("203.0.113.11")});
  addresses->leave();
  host.sh("ip addr del 203.0.113.10/32 dev lo");
  addresses = open(state_dir);
  host.sh("ip addr add 203.0.113.10/32 dev lo");
  own({ip("203.0.113.10")});
  addresses->release();
  EXPECT_TRUE(has("203.0.113.10/32", "lo"));
}

TEST_F(HostAddressesSystemTest, LeavingLeavesAddressesAndRecord) {
  bring_up();
  own({ip("203.0.113.10")});
  addresses->leave();
  addresses.reset();
  EXPECT_TRUE(has("203.0.113.10/32", "lo"));
  EXPECT_EQ(access(state_dir.path("owned_addresses").c_str(), F_OK), 0);
  addresses = open(state_dir);
  addresses->release();
  EXPECT_FALSE(has("203.0.113.10/32", "lo"));
  EXPECT_NE(access(state_dir.path("owned_addresses").c_str(), F_OK), 0);
}

TEST_F(HostAddressesSystemTest, NothingIsAddedThatCannotBeWrittenDown) {
  bring_up();
  ASSERT_EQ(mkdir(state_dir.path("owned_addresses.new").c_str(), 0700), 0);
  host.run([&] {
    const auto owned = addresses->own_vips({ip("203.0.113.10")}, {"gw0"});
    ASSERT_FALSE(owned);
    EXPECT_NE(owned.error().message.find("owned_addresses"), std::string::npos)
        << owned.error().message;
  });
  EXPECT_FALSE(has("203.0.113.10/32", "lo"));
  ASSERT_EQ(rmdir(state_dir.path("owned_addresses.new").c_str()), 0);
  own({ip("203.0.113.10")});
  EXPECT_TRUE(has("203.0.113.10/32", "lo"));
}

TEST_F(HostAddressesSystemTest, OneFailureDoesNotKeepItFromTheRest) {
  bring_up();
  own({ip("203.0.113.12")});
  host.sh("sysctl -qw net.ipv6.conf.gw0.disable_ipv6=1");
  host.run([&] {
    const auto owned = addresses->own_vips(
        {ip("203.0.113.10"), ip("2001:db8::10"), ip("2001:db8::11")}, {"gw-none", "gw0"});
    ASSERT_FALSE(owned);
    const std::string& message = owned.error().message;
    EXPECT_NE(message.find("no interface gw-none"), std::string::npos) << message;
    EXPECT_NE(message.find("2001:db8::10/128"), std::string::npos) << message;
    EXPECT_NE(message.find("2001:db8::11/128"), std::string::npos) << message;
  });
  EXPECT_TRUE(has("203.0.113.10/32", "lo"));
  EXPECT_FALSE(has("203.0.113.12/32", "lo"));
  host.sh("sysctl -qw net.ipv6.conf.gw0.disable_ipv6=0");
  own({ip("203.0.113.10"), ip("2001:db8::10"), ip("2001:db8::11")});
  EXPECT_TRUE(has("2001:db8::10/128", "gw0"));
  EXPECT_TRUE(has("2001:db8::11/128", "gw0"));
}

TEST_F(HostAddressesSystemTest, AnInterfaceThatIsDownKeepsNoOtherFromItsAnnouncements) {
  bring_up();
  // Sorts before gw0, and is down.
  host.sh("ip link add aa0 address 02:00:00:00:00:03 type veth peer name aa1");
  const Capture capture(peer, "peer0");
  const auto start = std::chrono::steady_clock::now();
  const Mac mac = Mac::parse("02:00:00:00:00:01").value();
  host.run([&] {
    const auto owned = addresses->own_vips({ip("203.0.113.10")}, {"aa0", "gw0"});
    ASSERT_TRUE(owned) << owned.error().message;
    const auto announced = addresses->announce_due(start);
    ASSERT_FALSE(announced);
    EXPECT_NE(announced.error().message.find("ip link set aa0 up"), std::string::npos)
        << announced.error().message;
  });
  EXPECT_TRUE(capture.sees(announcement(ip("203.0.113.10"), mac)));
  host.sh("ip link set aa0 up && ip link set aa1 up");
  // What was not sent is still due, without asking for it again.
  const Capture late(host, "aa1");
  host.run([&] { ASSERT_TRUE(addresses->announce_due(start)); });
  const Mac other = Mac::parse("02:00:00:00:00:03").value();
  EXPECT_TRUE(late.sees(announcement(ip("203.0.113.10"), other)));
}

TEST_F(HostAddressesSystemTest, AnInterfaceThatTheOperatorSetsDownStaysDown) {
  bring_up();
  host.sh("ip link set gw0 down");
  bring_up();
  EXPECT_NE(host.output("ip link show gw0").find("state DOWN"), std::string::npos);
}

TEST_F(HostAddressesSystemTest, VanishedInterfaceDoesNotDisturbTheEnd) {
  bring_up();
  own({ip("203.0.113.10"), ip("2001:db8::10")});
  host.sh("ip link del gw0");
  addresses.reset();
  EXPECT_FALSE(has("203.0.113.10/32", "lo"));
}

TEST_F(HostAddressesSystemTest, MissingInterfaceIsNamed) {
  host.run([&] {
    const auto set = addresses->set_interface("gw-none", {});
    ASSERT_FALSE(set);
    EXPECT_NE(set.error().message.find("no interface gw-none"), std::string::npos);
    const auto owned = addresses->own_vips({ip("203.0.113.10")}, {"gw-none"});
    ASSERT_FALSE(owned);
    EXPECT_NE(owned.error().message.find("no interface gw-none"), std::string::npos);
  });
  EXPECT_TRUE(has("203.0.113.10/32", "lo"));
}

TEST_F(HostAddressesSystemTest, MissingPermissionIsNamed) {
  ASSERT_EQ(chown(state_dir.path("").c_str(), 65534, 65534), 0);
  host.run([&] {
    // The raw call changes this thread only, which ends with the lambda.
    ASSERT_EQ(syscall(SYS_setresuid, 65534, 65534, 65534), 0);
    auto opened = HostAddresses::open(OwnedAddresses::open(state_dir.path("")).value());
    ASSERT_TRUE(opened) << opened.error().message;
    const auto owned = (*opened)->own_vips({ip("203.0.113.10")}, {"gw0"});
    ASSERT_FALSE(owned);
    EXPECT_NE(owned.error().message.find("CAP_NET_ADMIN"), std::string::npos)
        << owned.error().message;
  });
}

}  // namespace
}  // namespace guideway::netlink
