// SPDX-License-Identifier: Apache-2.0
#include "run_loop.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/post.hpp>
#include <csignal>
#include <cstdio>
#include <stdexcept>

#include "guideway/base/logging.h"

namespace guideway::app {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

TEST(RunLoopDeathTest, AnExceptionAbortsAndUnwindsNothing) {
  struct Guard {
    ~Guard() { std::fputs("unwound", stderr); }
  };
  const auto run = [] {
    base::set_up_logging(spdlog::level::info);
    boost::asio::io_context loop;
    boost::asio::post(loop, [] { throw std::runtime_error("out of luck"); });
    const Guard guard;
    run_loop(loop);
  };
  EXPECT_EXIT(run(), testing::KilledBySignal(SIGABRT),
              AllOf(HasSubstr("out of luck: please report this"), Not(HasSubstr("unwound"))));
}

TEST(RunLoop, EndsWithTheLoop) {
  boost::asio::io_context loop;
  bool ran = false;
  boost::asio::post(loop, [&ran] { ran = true; });
  run_loop(loop);
  EXPECT_TRUE(ran);
}

}  // namespace
}  // namespace guideway::app
