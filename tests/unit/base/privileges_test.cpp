// SPDX-License-Identifier: Apache-2.0
#include "guideway/base/privileges.h"

#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <thread>

namespace guideway::base {
namespace {

/// "CapEff:" and the like of the calling thread.
std::string status_of_thread(const std::string& key) {
  std::ifstream file("/proc/thread-self/status");
  for (std::string word; file >> word;)
    if (word == key && file >> word) return word;
  return "no " + key;
}

TEST(Privileges, AThreadThatNeedsNoneHasNoneAndGetsNone) {
  const std::string before = status_of_thread("CapEff:");
  std::thread([] {
    EXPECT_TRUE(drop_privileges(Keep::kNothing));
    for (const char* set : {"CapInh:", "CapPrm:", "CapEff:"})
      EXPECT_EQ(status_of_thread(set), "0000000000000000") << set;
    EXPECT_EQ(status_of_thread("NoNewPrivs:"), "1");
    const auto refused = require_network_privileges();
    ASSERT_FALSE(refused);
    for (const char* name : {"CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_IPC_LOCK", "CAP_BPF",
                             "CAP_PERFMON", "CAP_SYS_ADMIN"})
      EXPECT_NE(refused.error().message.find(name), std::string::npos) << name;
  }).join();
  EXPECT_EQ(status_of_thread("CapEff:"), before) << "it is about one thread";
}

}  // namespace
}  // namespace guideway::base
