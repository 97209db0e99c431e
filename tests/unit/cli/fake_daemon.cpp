// SPDX-License-Identifier: Apache-2.0
#include "fake_daemon.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

#include "json.h"

namespace guideway::cli {
namespace {

/// The number after "Content-Length: ", or 0.
std::size_t length_of_body(const std::string& headers) {
  const std::string name = "Content-Length: ";
  const std::size_t at = headers.find(name);
  return at == std::string::npos ? 0 : std::stoul(headers.substr(at + name.size()));
}

/// Everything until the headers and the body that they promise have come.
std::string read_request(int client) {
  std::string request;
  char part[4096];
  for (;;) {
    const std::size_t end = request.find("\r\n\r\n");
    if (end != std::string::npos && request.size() >= end + 4 + length_of_body(request))
      return request;
    const ssize_t size = read(client, part, sizeof part);
    if (size <= 0) return request;
    request.append(part, static_cast<std::size_t>(size));
  }
}

}  // namespace

FakeDaemon::FakeDaemon() {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, socket().c_str(), sizeof address.sun_path - 1);
  listener_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      listen(listener_, 8) != 0)
    std::abort();
  thread_ = std::thread([this] { serve(); });
}

FakeDaemon::~FakeDaemon() {
  shutdown(listener_, SHUT_RDWR);
  thread_.join();
  close(listener_);
}

void FakeDaemon::answer(const std::string& what, const std::string& body, int status) {
  const std::lock_guard lock(mutex_);
  script_[what].push_back({status, body});
}

void FakeDaemon::leave_after(const std::string& what) {
  const std::lock_guard lock(mutex_);
  last_what_ = what;
}

std::vector<FakeDaemon::Asked> FakeDaemon::asked() const {
  const std::lock_guard lock(mutex_);
  return asked_;
}

std::vector<std::string> FakeDaemon::targets() const {
  std::vector<std::string> all;
  for (const Asked& one : asked()) all.push_back(one.what);
  return all;
}

void FakeDaemon::serve() {
  for (;;) {
    const int client = accept(listener_, nullptr, nullptr);
    if (client < 0) return;
    serve_one(client);
    close(client);
  }
}

void FakeDaemon::serve_one(int client) {
  const std::string request = read_request(client);
  const std::size_t line_end = request.find("\r\n");
  const std::size_t end = request.find("\r\n\r\n");
  if (end == std::string::npos) return;
  const std::string line = request.substr(0, line_end);
  const std::string what = line.substr(0, line.rfind(' '));
  const Scripted scripted = next_answer(what);
  {
    const std::lock_guard lock(mutex_);
    asked_.push_back({what, request.substr(line_end + 2, end - line_end), request.substr(end + 4)});
    // Before the answer: so the test's next question finds nobody.
    if (what == last_what_) shutdown(listener_, SHUT_RDWR);
  }
  const std::string answer =
      "HTTP/1.1 " + std::to_string(scripted.status) +
      " X\r\nConnection: close\r\nContent-Length: " + std::to_string(scripted.body.size()) +
      "\r\n\r\n" + scripted.body;
  send(client, answer.data(), answer.size(), MSG_NOSIGNAL);
}

FakeDaemon::Scripted FakeDaemon::next_answer(const std::string& what) {
  const std::lock_guard lock(mutex_);
  auto& answers = script_[what];
  if (answers.empty()) return {500, "not in the script: " + what};
  const Scripted first = answers.front();
  if (answers.size() > 1) answers.pop_front();
  return first;
}

std::string error_body(const std::string& code, const std::string& message,
                       const std::string& field) {
  Json error = {{"code", code}, {"message", message}};
  if (!field.empty()) error["field"] = field;
  return json_line({{"api", 1}, {"error", error}});
}

}  // namespace guideway::cli
