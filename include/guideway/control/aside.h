// SPDX-License-Identifier: Apache-2.0
// make_aside: what takes long and changes nothing, made beside the control thread.
// Threading: called on the control thread.
#ifndef GUIDEWAY_CONTROL_ASIDE_H_
#define GUIDEWAY_CONTROL_ASIDE_H_

#include <utility>

// Asio of Boost 1.74 needs <utility> before it.
#include <spdlog/spdlog.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <exception>
#include <functional>
#include <memory>

#include "guideway/control/helper_thread.h"

namespace guideway::control {

/// `make` runs on `thread` and touches nothing of the control thread's. `done` gets what it made on
/// the control thread, which runs `loop`; null: it threw, which is logged. Never, when `thread`
/// ends first.
template <typename Make, typename Done>
void make_aside(HelperThread& thread, boost::asio::io_context& loop, Make make, Done done) {
  using Made = std::shared_ptr<const decltype(make())>;
  // Emptied on the control thread: what it holds must not end on the helper's.
  auto holder = std::make_shared<std::function<void(const Made&)>>(std::move(done));
  thread.run([&loop, make = std::move(make), holder = std::move(holder)] {
    Made made;
    try {
      made = std::make_shared<const decltype(make())>(make());
    } catch (const std::exception& error) {
      spdlog::error("an answer could not be made ({}): please report this", error.what());
    }
    boost::asio::post(loop, [holder, made] { std::exchange(*holder, {})(made); });
  });
}

}  // namespace guideway::control

#endif  // GUIDEWAY_CONTROL_ASIDE_H_
