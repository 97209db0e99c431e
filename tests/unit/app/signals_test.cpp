// SPDX-License-Identifier: Apache-2.0
#include "signals.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <csignal>

namespace guideway::app {
namespace {

using std::chrono::seconds;

TEST(Signals, ThoseThatComeWhileTheDaemonStartsActWhenItsLoopRuns) {
  hold_signals();
  raise(SIGHUP);  // would end the test if it were not held
  raise(SIGPIPE);
  boost::asio::io_context loop;
  int reloads = 0;
  {
    const Signals signals(loop, [&] { reloads++; });
    EXPECT_EQ(reloads, 0);
    while (reloads == 0 && loop.run_one_for(seconds(10)) > 0) {
    }
    EXPECT_EQ(reloads, 1);
    raise(SIGTERM);
    loop.run_for(seconds(10));
    EXPECT_TRUE(loop.stopped());
  }
}

}  // namespace
}  // namespace guideway::app
