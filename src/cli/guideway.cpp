// SPDX-License-Identifier: Apache-2.0
// guideway: the operator's tool. Exit codes: outcome.h.
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <thread>

#include "run.h"

int main(int argc, char** argv) try {
  const char* socket = std::getenv("GUIDEWAY_SOCKET");
  guideway::cli::Surroundings around{
      std::cout,
      std::cerr,
      socket == nullptr ? "" : socket,
      isatty(STDOUT_FILENO) == 1,
      [] { return std::chrono::steady_clock::now(); },
      [](std::chrono::milliseconds time) { std::this_thread::sleep_for(time); }};
  const int code = guideway::cli::run({argv + 1, argv + argc}, around);
  std::cout.flush();
  // "guideway save > FILE" on a full disk has not been done.
  return std::cout || code != guideway::cli::kDone ? code : guideway::cli::kFault;
} catch (const std::exception& error) {
  std::cerr << "guideway: " << error.what() << "\n";
  return guideway::cli::kFault;
}
