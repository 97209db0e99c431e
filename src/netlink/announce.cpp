// SPDX-License-Identifier: Apache-2.0
#include "guideway/netlink/announce.h"

#include <linux/if_packet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <initializer_list>

namespace guideway::netlink {
namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr Mac kBroadcast{{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
/// ff02::1 as an Ethernet group address (RFC 2464 §7).
constexpr Mac kAllNodes{{0x33, 0x33, 0x00, 0x00, 0x00, 0x01}};
constexpr std::array<std::uint8_t, 16> kAllNodesAddress{0xff, 0x02, 0, 0, 0, 0, 0, 0,
                                                        0,    0,    0, 0, 0, 0, 0, 1};

void append(Bytes& frame, std::initializer_list<std::uint8_t> bytes) {
  frame.insert(frame.end(), bytes);
}

void append(Bytes& frame, const Mac& mac) {
  frame.insert(frame.end(), mac.bytes.begin(), mac.bytes.end());
}

void append(Bytes& frame, const IpAddress& address) {
  const auto* start = address.bytes().data();
  frame.insert(frame.end(), start, start + address.size());
}

Bytes arp_announcement(const IpAddress& address, const Mac& mac) {
  Bytes frame;
  append(frame, kBroadcast);
  append(frame, mac);
  append(frame, {0x08, 0x06});              // ARP
  append(frame, {0x00, 0x01, 0x08, 0x00});  // Ethernet, IPv4
  append(frame, {6, 4, 0x00, 0x01});        // address sizes, request
  append(frame, mac);
  append(frame, address);
  append(frame, Mac{});
  append(frame, address);
  return frame;
}

/// RFC 4443 §2.3: the one's complement sum over the pseudo-header and the message.
std::uint16_t icmpv6_checksum(const IpAddress& source, const Bytes& message) {
  Bytes summed;
  append(summed, source);
  summed.insert(summed.end(), kAllNodesAddress.begin(), kAllNodesAddress.end());
  append(summed, {0, 0, 0, static_cast<std::uint8_t>(message.size()), 0, 0, 0, IPPROTO_ICMPV6});
  summed.insert(summed.end(), message.begin(), message.end());
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i + 1 < summed.size(); i += 2) {
    sum += static_cast<std::uint32_t>(summed[i] << 8 | summed[i + 1]);
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

Bytes neighbour_advertisement(const IpAddress& address, const Mac& mac) {
  Bytes message;
  append(message, {136, 0, 0, 0});   // neighbour advertisement; checksum follows
  append(message, {0x20, 0, 0, 0});  // override, neither solicited nor router
  append(message, address);
  append(message, {2, 1});  // option: target link-layer address, 8 bytes
  append(message, mac);
  const std::uint16_t checksum = icmpv6_checksum(address, message);
  message[2] = static_cast<std::uint8_t>(checksum >> 8);
  message[3] = static_cast<std::uint8_t>(checksum);

  Bytes frame;
  append(frame, kAllNodes);
  append(frame, mac);
  append(frame, {0x86, 0xdd});        // IPv6
  append(frame, {0x60, 0, 0, 0, 0});  // version, class, flow label; length's high byte
  append(frame, {static_cast<std::uint8_t>(message.size()), IPPROTO_ICMPV6, 255});
  append(frame, address);
  frame.insert(frame.end(), kAllNodesAddress.begin(), kAllNodesAddress.end());
  frame.insert(frame.end(), message.begin(), message.end());
  return frame;
}

std::string cannot_announce(const IpAddress& address, const std::string& kernel_name) {
  std::string what = "cannot announce " + address.to_string() + " on ";
  what += kernel_name;
  what += " (bring the interface up: ip link set ";
  what += kernel_name;
  return what += " up)";
}

/// Sends nothing by itself and receives nothing: its protocol is 0.
class PacketSocket {
 public:
  PacketSocket() : fd_(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0)) {}
  ~PacketSocket() {
    if (fd_ >= 0) close(fd_);
  }
  PacketSocket(const PacketSocket&) = delete;
  PacketSocket& operator=(const PacketSocket&) = delete;

  bool is_open() const { return fd_ >= 0; }

  bool send(int link, const Bytes& frame) const {
    sockaddr_ll to{};
    to.sll_family = AF_PACKET;
    to.sll_ifindex = link;
    to.sll_halen = 6;
    std::copy_n(frame.begin(), 6, to.sll_addr);
    return sendto(fd_, frame.data(), frame.size(), MSG_DONTWAIT, reinterpret_cast<sockaddr*>(&to),
                  sizeof to) >= 0;
  }

 private:
  int fd_;
};

}  // namespace

std::vector<std::uint8_t> announcement(const IpAddress& address, const Mac& mac) {
  return address.is_v4() ? arp_announcement(address, mac) : neighbour_advertisement(address, mac);
}

Result<void> announce(int link, const std::string& kernel_name, const Mac& mac,
                      const std::vector<IpAddress>& addresses) {
  const PacketSocket socket;
  if (!socket.is_open()) {
    return base::fail_errno(
        "cannot announce virtual addresses (give guidewayd CAP_NET_RAW or run it as root)", errno);
  }
  for (const IpAddress& address : addresses) {
    if (socket.send(link, announcement(address, mac))) continue;
    const int error = errno;
    return base::fail_errno(cannot_announce(address, kernel_name), error);
  }
  return {};
}

}  // namespace guideway::netlink
