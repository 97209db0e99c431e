// SPDX-License-Identifier: Apache-2.0
#include "guideway/netlink/announce_queue.h"

#include <array>

namespace guideway::netlink {
namespace {

/// After the first one.
constexpr std::array<std::chrono::seconds, 3> kTimes{
    std::chrono::seconds{0}, std::chrono::seconds{1}, std::chrono::seconds{3}};

}  // namespace

void AnnounceQueue::add(const std::string& interface, const IpAddress& vip) {
  waiting_.insert_or_assign({interface, vip}, Progress{});
}

void AnnounceQueue::keep_only(const std::set<std::string>& interfaces,
                              const std::set<IpAddress>& vips) {
  std::erase_if(waiting_, [&](const auto& entry) {
    return !interfaces.contains(entry.first.first) || !vips.contains(entry.first.second);
  });
}

std::map<std::string, std::vector<IpAddress>> AnnounceQueue::due(Time now) const {
  std::map<std::string, std::vector<IpAddress>> result;
  for (const auto& [key, progress] : waiting_)
    if (progress.sent == 0 || now >= progress.first + kTimes[progress.sent])
      result[key.first].push_back(key.second);
  return result;
}

void AnnounceQueue::sent(const std::string& interface, const std::vector<IpAddress>& vips,
                         Time now) {
  for (const IpAddress& vip : vips) {
    const auto found = waiting_.find({interface, vip});
    if (found == waiting_.end()) continue;
    Progress& progress = found->second;
    if (progress.sent == 0) progress.first = now;
    if (++progress.sent == kTimes.size()) waiting_.erase(found);
  }
}

}  // namespace guideway::netlink
