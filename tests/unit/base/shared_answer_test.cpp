// SPDX-License-Identifier: Apache-2.0
#include "guideway/base/shared_answer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

namespace guideway::base {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Numbers = SharedAnswer<int>;

class SharedAnswerTest : public testing::Test {
 protected:
  std::shared_ptr<Numbers> make_shared_answer(std::chrono::steady_clock::duration fresh = {}) {
    return std::make_shared<Numbers>(
        [this](Numbers::Done done) {
          made_++;
          done_ = std::move(done);
        },
        fresh);
  }
  void ask(Numbers& numbers) {
    numbers.get([this](const Numbers::Answer& answer) { told_.push_back(answer ? *answer : -1); });
  }
  void answer(int number) { std::exchange(done_, {})(std::make_shared<const int>(number)); }

  int made_ = 0;
  Numbers::Done done_;
  std::vector<int> told_;
};

TEST_F(SharedAnswerTest, WhoAsksWhileItIsMadeSharesTheNextOne) {
  const auto numbers = make_shared_answer();
  for (int i = 0; i < 3; i++) ask(*numbers);
  EXPECT_EQ(made_, 1);
  answer(10);
  EXPECT_THAT(told_, ElementsAre(10)) << "the others asked after its figures were taken";
  EXPECT_EQ(made_, 2);
  answer(20);
  EXPECT_THAT(told_, ElementsAre(10, 20, 20));
  EXPECT_EQ(made_, 2);
  ask(*numbers);
  EXPECT_EQ(made_, 3) << "an old one is given to nobody";
}

TEST_F(SharedAnswerTest, WhoTakesAnOlderOneSharesTheFirst) {
  const auto numbers = make_shared_answer(std::chrono::hours(1));
  for (int i = 0; i < 3; i++) ask(*numbers);
  answer(10);
  ask(*numbers);
  EXPECT_THAT(told_, ElementsAre(10, 10, 10, 10));
  EXPECT_EQ(made_, 1);
}

TEST_F(SharedAnswerTest, OneThatCannotBeMadeIsMadeAgainForTheNext) {
  const auto numbers = make_shared_answer(std::chrono::hours(1));
  ask(*numbers);
  std::exchange(done_, {})(nullptr);
  EXPECT_THAT(told_, ElementsAre(-1));
  ask(*numbers);
  EXPECT_EQ(made_, 2);
  answer(20);
  EXPECT_THAT(told_, ElementsAre(-1, 20));
}

TEST_F(SharedAnswerTest, WhoAsksAgainAtOnceIsServedToo) {
  const auto numbers = make_shared_answer();
  numbers->get([&](const Numbers::Answer&) { ask(*numbers); });
  answer(10);
  EXPECT_EQ(made_, 2);
  EXPECT_THAT(told_, IsEmpty());
  answer(20);
  EXPECT_THAT(told_, ElementsAre(20));
}

}  // namespace
}  // namespace guideway::base
