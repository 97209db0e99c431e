// SPDX-License-Identifier: Apache-2.0
#include "service_manager.h"

#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <optional>

namespace guideway::app {
namespace {

/// The variable's value; it is gone afterwards, so that no child takes it for its own.
std::string take_variable(const char* name) {
  const char* value = std::getenv(name);
  std::string text = value ? value : "";
  unsetenv(name);
  return text;
}

std::optional<std::uint64_t> number_of(const std::string& text) {
  std::uint64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [last, error] = std::from_chars(text.data(), end, number);
  if (text.empty() || error != std::errc{} || last != end) return std::nullopt;
  return number;
}

std::uint64_t monotonic_us() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000u +
         static_cast<std::uint64_t>(now.tv_nsec) / 1'000u;
}

}  // namespace

ServiceManager::ServiceManager(boost::asio::io_context& loop)
    : socket_path_(take_variable("NOTIFY_SOCKET")), watchdog_timer_(loop) {
  const auto period_us = number_of(take_variable("WATCHDOG_USEC"));
  const auto pid = number_of(take_variable("WATCHDOG_PID"));
  const bool for_us = !pid || *pid == static_cast<std::uint64_t>(getpid());
  if (period_us && for_us && *period_us < INT64_MAX)
    watchdog_ = std::chrono::microseconds(*period_us);
  if (socket_path_.empty()) return;
  socket_ = base::FileDescriptor(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

void ServiceManager::ready(const std::string& status) {
  send("READY=1\nSTATUS=" + status);
  if (watchdog_.count() > 0 && watchdog_timer_.expiry() == decltype(watchdog_timer_)::time_point{})
    beat();
}

void ServiceManager::reloading() {
  send("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(monotonic_us()) +
       "\nSTATUS=reading the configuration again");
}

void ServiceManager::stopping() { send("STOPPING=1\nSTATUS=stopping"); }

void ServiceManager::beat() {
  send("WATCHDOG=1");
  // Twice as often as it has to be.
  watchdog_timer_.expires_after(watchdog_ / 2);
  watchdog_timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) beat();
  });
}

void ServiceManager::send(const std::string& message) {
  if (!socket_) return;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket_path_.size() >= sizeof address.sun_path) return;
  std::memcpy(address.sun_path, socket_path_.data(), socket_path_.size());
  // "@" stands for the zero byte of an abstract name, whose length counts.
  if (address.sun_path[0] == '@') address.sun_path[0] = '\0';
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket_path_.size());
  if (sendto(socket_.get(), message.data(), message.size(), MSG_NOSIGNAL,
             reinterpret_cast<const sockaddr*>(&address), size) < 0)
    spdlog::debug("the service manager does not listen on {}: {}", socket_path_,
                  std::strerror(errno));
}

}  // namespace guideway::app
