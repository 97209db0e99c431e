// SPDX-License-Identifier: Apache-2.0
// Network namespaces for tests that need a real kernel. They are held open by descriptors only, so
// nothing outlives the test program, however it ends.
// Threading: one thread; run_in() uses a second one and waits for it.
// Source: network_namespaces(7).
#ifndef GUIDEWAY_TESTS_UNIT_NETLINK_NETNS_H_
#define GUIDEWAY_TESTS_UNIT_NETLINK_NETNS_H_

#include <functional>
#include <string>

namespace guideway::netlink::test {

/// A new, empty network namespace with `lo` up. Root only: throws std::runtime_error otherwise.
class Netns {
 public:
  Netns();
  ~Netns();
  Netns(const Netns&) = delete;
  Netns& operator=(const Netns&) = delete;

  /// A name that `ip … netns PATH` takes.
  std::string path() const;
  /// Runs `f` on a thread inside the namespace; rethrows what it throws.
  void run(const std::function<void()>& f) const;
  /// Runs a shell command inside; throws with its text when it fails.
  void sh(const std::string& command) const;
  /// What the command prints. Throws when it fails.
  std::string output(const std::string& command) const;

 private:
  int fd_ = -1;
};

}  // namespace guideway::netlink::test

#endif  // GUIDEWAY_TESTS_UNIT_NETLINK_NETNS_H_
