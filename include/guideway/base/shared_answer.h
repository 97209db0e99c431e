// SPDX-License-Identifier: Apache-2.0
// SharedAnswer: one answer for many who ask the same. Those who ask while it is made wait for the
// next one, which is made once for all of them: the work is bounded however many ask, and nobody
// gets an answer that is older than the question.
// Threading: one thread; what makes the answer may use others, and comes back to this one.
#ifndef GUIDEWAY_BASE_SHARED_ANSWER_H_
#define GUIDEWAY_BASE_SHARED_ANSWER_H_

#include <chrono>
#include <functional>
#include <iterator>
#include <memory>
#include <utility>
#include <vector>

namespace guideway::base {

template <typename T>
class SharedAnswer : public std::enable_shared_from_this<SharedAnswer<T>> {
 public:
  /// Null: it could not be made.
  using Answer = std::shared_ptr<const T>;
  using Done = std::function<void(const Answer&)>;
  /// Calls Done once; never, when everything ends first.
  using Make = std::function<void(Done)>;

  /// An answer that is no older than `fresh` is given again.
  explicit SharedAnswer(Make make, std::chrono::steady_clock::duration fresh = {})
      : make_(std::move(make)), fresh_(fresh) {}

  void get(Done done) {
    if (answer_ && std::chrono::steady_clock::now() - made_at_ < fresh_) return done(answer_);
    next_.push_back(std::move(done));
    if (waiting_.empty()) make();
  }

 private:
  void make() {
    waiting_ = std::exchange(next_, {});
    make_([self = this->shared_from_this()](const Answer& answer) { self->give(answer); });
  }

  void give(const Answer& answer) {
    // For those who take an older one it is good enough, too.
    if (fresh_ > fresh_.zero()) {
      std::move(next_.begin(), next_.end(), std::back_inserter(waiting_));
      next_.clear();
      answer_ = answer;
      made_at_ = std::chrono::steady_clock::now();
    }
    for (const Done& done : std::exchange(waiting_, {})) done(answer);
    if (waiting_.empty() && !next_.empty()) make();
  }

  const Make make_;
  const std::chrono::steady_clock::duration fresh_;
  Answer answer_;
  std::chrono::steady_clock::time_point made_at_{};
  std::vector<Done> waiting_;  // for the answer that is being made
  std::vector<Done> next_;     // for the one after it
};

}  // namespace guideway::base

#endif  // GUIDEWAY_BASE_SHARED_ANSWER_H_
