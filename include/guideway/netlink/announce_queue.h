// SPDX-License-Identifier: Apache-2.0
// AnnounceQueue: which VIP is still to be announced on which interface, and when. Each is announced
// at once and again 1 s and 3 s later, because a single frame may be lost; what could not be sent
// stays due. No system call in here.
// Threading: a value.
// Source: RFC 5227 §2.3 and RFC 4861 §7.2.6: a few announcements, spaced by seconds.
#ifndef GUIDEWAY_NETLINK_ANNOUNCE_QUEUE_H_
#define GUIDEWAY_NETLINK_ANNOUNCE_QUEUE_H_

#include <chrono>
#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "guideway/base/address.h"

namespace guideway::netlink {

class AnnounceQueue {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// From the first announcement again, if some were sent already.
  void add(const std::string& interface, const IpAddress& vip);
  /// Forgets the VIPs and interfaces that are not named here.
  void keep_only(const std::set<std::string>& interfaces, const std::set<IpAddress>& vips);

  /// By interface; only those with something due.
  std::map<std::string, std::vector<IpAddress>> due(Time now) const;
  /// These were sent.
  void sent(const std::string& interface, const std::vector<IpAddress>& vips, Time now);

  bool empty() const { return waiting_.empty(); }

 private:
  struct Progress {
    std::size_t sent = 0;
    Time first;  // meaningful once sent > 0
  };
  std::map<std::pair<std::string, IpAddress>, Progress> waiting_;
};

}  // namespace guideway::netlink

#endif  // GUIDEWAY_NETLINK_ANNOUNCE_QUEUE_H_
