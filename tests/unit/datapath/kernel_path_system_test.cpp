// SPDX-License-Identifier: Apache-2.0
// The way to the host's stack and back, on a real kernel: a director in one network namespace, a
// client in another, and net_tap as the cable between them.
#include <arpa/inet.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <numeric>
#include <thread>

#include "guideway/datapath/dpdk/dpdk_datapath.h"
#include "guideway/datapath/dpdk/eal.h"
#include "guideway/datapath/dpdk/tap.h"
#include "netns.h"
#include "worker_fixture.h"

namespace guideway::datapath::dpdk::testing {
namespace {

using netlink::test::Netns;
using ::testing::HasSubstr;

constexpr const char* kDirector = "10.99.0.2";
constexpr std::size_t kTransfer = 1 << 20;

/// Until it is true, or ten seconds have passed.
bool eventually(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

/// Puts the calling thread into a namespace for the time of its life.
class Inside {
 public:
  explicit Inside(const Netns& netns)
      : before_(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)) {
    const FileDescriptor there(open(netns.path().c_str(), O_RDONLY | O_CLOEXEC));
    if (setns(there.get(), CLONE_NEWNET) != 0) throw std::runtime_error("setns failed");
  }
  ~Inside() { setns(before_.get(), CLONE_NEWNET); }
  Inside(const Inside&) = delete;
  Inside& operator=(const Inside&) = delete;

 private:
  const FileDescriptor before_;
};

/// Sends kTransfer bytes and reads as many. Returns how many came.
std::size_t exchange(int fd) {
  std::thread sender([fd] {
    const std::vector<char> chunk(65536, 'x');
    for (std::size_t sent = 0; sent < kTransfer;) {
      const auto size = send(fd, chunk.data(), chunk.size(), MSG_NOSIGNAL);
      if (size <= 0) return;
      sent += static_cast<std::size_t>(size);
    }
  });
  std::vector<char> buffer(65536);
  std::size_t received = 0;
  while (received < kTransfer) {
    const auto size = recv(fd, buffer.data(), buffer.size(), 0);
    if (size <= 0) break;
    received += static_cast<std::size_t>(size);
  }
  sender.join();
  return received;
}

sockaddr_in director_address() {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  inet_pton(AF_INET, kDirector, &address.sin_addr);
  return address;
}

class KernelPathOnARealKernel : public ::testing::Test {
 protected:
  KernelPathOnARealKernel() : inside_(director_) { start_test_eal(); }

  Options options() const {
    Options options;
    options.interfaces = {{"wan", "vdev:net_tap0,iface=nic0"}};
    options.worker_cpus = {allowed_cpus().back()};
    options.flows = 4096;
    return options;
  }

  /// The cable's other end goes to the client while the datapath runs, as the lab does it.
  void connect_the_client() {
    director_.sh("ip link set nic0 netns " + client_.path());
    client_.sh("ip link set nic0 address 02:00:00:00:00:99");
    client_.sh("ip addr add 10.99.0.1/24 dev nic0 && ip link set nic0 up");
    director_.sh("ip addr add 10.99.0.2/24 dev gw-wan && ip link set gw-wan up");
  }

  Netns director_;
  Netns client_;
  Inside inside_;
};

TEST_F(KernelPathOnARealKernel, PingAndTcpReachTheHostAndBack) {
  auto datapath = DpdkDatapath::start(options());
  ASSERT_TRUE(datapath) << datapath.error().message;
  connect_the_client();
  // One at a time: after the last of several, ping waits for two round trips only.
  client_.sh("for i in 1 2 3; do ping -c 1 -W 5 10.99.0.2 || exit 1; done");
  director_.sh("for i in 1 2 3; do ping -c 1 -W 5 10.99.0.1 || exit 1; done");

  const FileDescriptor listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = director_address();
  socklen_t size = sizeof address;
  ASSERT_EQ(bind(listener.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(listen(listener.get(), 1), 0);
  getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size);
  std::size_t at_director = 0;
  std::size_t at_client = 0;
  std::thread server([&] {
    const FileDescriptor peer(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    at_director = exchange(peer.get());
  });
  client_.run([&] {
    const FileDescriptor peer(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (connect(peer.get(), reinterpret_cast<sockaddr*>(&address), size) == 0) {
      at_client = exchange(peer.get());
    }
  });
  shutdown(listener.get(), SHUT_RDWR);  // ends accept() if nobody came
  server.join();
  EXPECT_EQ(at_director, kTransfer);
  EXPECT_EQ(at_client, kTransfer);

  (*datapath)->stop(End::kDetach);
  const DatapathStatus status = (*datapath)->status();
  const gw_counters& counters = status.workers[0].counters;
  EXPECT_TRUE(adds_up(counters));
  EXPECT_EQ(status.interfaces[0].kernel_name, "gw-wan");
  EXPECT_GT(status.interfaces[0].kernel.to_kernel, kTransfer / 1500);
  EXPECT_GT(status.interfaces[0].kernel.from_kernel, kTransfer / 1500);
  EXPECT_EQ(status.interfaces[0].kernel.from_kernel_dropped, 0u);
}

TEST_F(KernelPathOnARealKernel, TheTapHasTheDevicesMacAndMtu) {
  auto datapath = DpdkDatapath::start(options());
  ASSERT_TRUE(datapath) << datapath.error().message;
  const InterfaceStatus wan = (*datapath)->status().interfaces[0];
  EXPECT_THAT(director_.output("ip link show gw-wan"), HasSubstr(wan.mac));
  EXPECT_THAT(director_.output("ip link show gw-wan"), HasSubstr("mtu 1500"));
}

TEST_F(KernelPathOnARealKernel, NothingIsLeftAfterStop) {
  auto datapath = DpdkDatapath::start(options());
  ASSERT_TRUE(datapath) << datapath.error().message;
  connect_the_client();
  ASSERT_NE(if_nametoindex("gw-wan"), 0u);
  (*datapath)->stop(End::kDetach);
  EXPECT_EQ(if_nametoindex("gw-wan"), 0u);
  EXPECT_TRUE(
      eventually([&] { return client_.output("ip -br link").find("nic0") == std::string::npos; }));
}

TEST_F(KernelPathOnARealKernel, StopsUnderTraffic) {
  auto datapath = DpdkDatapath::start(options());
  ASSERT_TRUE(datapath) << datapath.error().message;
  connect_the_client();
  std::thread flood([&] {
    // Ends when the cable goes.
    client_.run([] {
      const FileDescriptor sender(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
      sockaddr_in address = director_address();
      address.sin_port = htons(9);
      const char payload[1000] = {};
      auto* to = reinterpret_cast<sockaddr*>(&address);
      while (sendto(sender.get(), payload, sizeof payload, 0, to, sizeof address) >= 0 ||
             errno != ENETUNREACH) {
      }
    });
  });
  EXPECT_TRUE(
      eventually([&] { return (*datapath)->status().workers[0].counters.packets_in > 1000; }));
  const auto before = std::chrono::steady_clock::now();
  (*datapath)->stop(End::kDetach);
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(1));
  flood.join();
  EXPECT_TRUE(adds_up((*datapath)->status().workers[0].counters));
}

TEST_F(KernelPathOnARealKernel, RefusesATapThatExistsAndLeavesIt) {
  director_.sh("ip tuntap add gw-wan mode tap");
  const auto datapath = DpdkDatapath::start(options());
  ASSERT_FALSE(datapath);
  EXPECT_THAT(datapath.error().message, HasSubstr("gw-wan exists already"));
  EXPECT_NE(if_nametoindex("gw-wan"), 0u);
  EXPECT_EQ(if_nametoindex("nic0"), 0u);
}

TEST_F(KernelPathOnARealKernel, ForwardingGoesOnWhenTheTapIsDeleted) {
  auto datapath = DpdkDatapath::start(options());
  ASSERT_TRUE(datapath) << datapath.error().message;
  connect_the_client();
  director_.sh("ip link del gw-wan");
  auto packets = [&] { return (*datapath)->status().workers[0].counters.packets_in; };
  const auto before = packets();
  client_.sh("ping -c 2 -i 0.1 -W 0.1 10.99.0.2; true");
  EXPECT_TRUE(eventually([&] { return packets() > before; }));
}

}  // namespace
}  // namespace guideway::datapath::dpdk::testing
