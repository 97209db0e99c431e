// SPDX-License-Identifier: Apache-2.0
#include "service_manager.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string>

#include "../../support/temporary_dir.h"

namespace guideway::app {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

/// What systemd has: a datagram socket that NOTIFY_SOCKET names.
class NotifySocket {
 public:
  explicit NotifySocket(const std::string& path) : fd_(socket(AF_UNIX, SOCK_DGRAM, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    if (path[0] == '@') address.sun_path[0] = '\0';
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
    EXPECT_EQ(bind(fd_, reinterpret_cast<const sockaddr*>(&address), size), 0);
    setenv("NOTIFY_SOCKET", path.c_str(), 1);
  }
  ~NotifySocket() { close(fd_); }
  NotifySocket(const NotifySocket&) = delete;
  NotifySocket& operator=(const NotifySocket&) = delete;

  /// The next message; empty: there is none.
  std::string next() const {
    char text[4096];
    const ssize_t size = recv(fd_, text, sizeof text, MSG_DONTWAIT);
    return size > 0 ? std::string(text, static_cast<std::size_t>(size)) : std::string();
  }

 private:
  int fd_;
};

TEST(ServiceManager, IsToldOfStartReloadAndEnd) {
  const test::TemporaryDir folder;
  for (const std::string& path :
       {folder.path("notify"), "@guideway-test-" + std::to_string(getpid())}) {
    const NotifySocket socket(path);
    boost::asio::io_context loop;
    ServiceManager manager(loop);
    EXPECT_EQ(getenv("NOTIFY_SOCKET"), nullptr);
    manager.ready("generation 1");
    EXPECT_EQ(socket.next(), "READY=1\nSTATUS=generation 1");
    manager.reloading();
    EXPECT_THAT(socket.next(), StartsWith("RELOADING=1\nMONOTONIC_USEC="));
    manager.stopping();
    EXPECT_THAT(socket.next(), HasSubstr("STOPPING=1"));
    EXPECT_EQ(socket.next(), "") << "nobody asked for a watchdog";
  }
}

TEST(ServiceManager, BeatsForTheWatchdogWhileTheLoopRuns) {
  const test::TemporaryDir folder;
  const NotifySocket socket(folder.path("notify"));
  setenv("WATCHDOG_USEC", "20000", 1);
  setenv("WATCHDOG_PID", std::to_string(getpid()).c_str(), 1);
  boost::asio::io_context loop;
  ServiceManager manager(loop);
  manager.ready("x");
  manager.ready("again");
  EXPECT_THAT(socket.next(), StartsWith("READY=1"));
  EXPECT_EQ(socket.next(), "WATCHDOG=1");
  EXPECT_THAT(socket.next(), StartsWith("READY=1"));
  EXPECT_EQ(socket.next(), "") << "one heart is enough";
  loop.run_one_for(std::chrono::seconds(10));
  EXPECT_EQ(socket.next(), "WATCHDOG=1");
}

TEST(ServiceManager, DoesNotBeatForAnotherProcess) {
  const test::TemporaryDir folder;
  const NotifySocket socket(folder.path("notify"));
  setenv("WATCHDOG_USEC", "20000", 1);
  setenv("WATCHDOG_PID", "1", 1);
  boost::asio::io_context loop;
  ServiceManager manager(loop);
  manager.ready("x");
  EXPECT_THAT(socket.next(), StartsWith("READY=1"));
  EXPECT_EQ(socket.next(), "");
}

TEST(ServiceManager, WithoutSystemdThereIsNothingToDo) {
  unsetenv("NOTIFY_SOCKET");
  boost::asio::io_context loop;
  ServiceManager manager(loop);
  manager.ready("x");
  manager.stopping();
  EXPECT_EQ(loop.poll(), 0u);
}

}  // namespace
}  // namespace guideway::app
