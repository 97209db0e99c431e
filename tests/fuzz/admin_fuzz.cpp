// SPDX-License-Identifier: Apache-2.0
// Any requests to the admin API, on a real controller whose kernel and NIC are fakes. The input is
// text: requests, separated by lines "%%", at most kMostRequests. A request's first line is
//   METHOD TARGET [If-Match [Content-Type]]      ("*" and "-" for none)
// and its body is the rest. Nothing crashes, each answer is one of the documented, what is refused
// changes nothing, and what runs keeps its rules.
#include <utility>
// Asio of Boost 1.74 needs <utility> before it.
#include <spdlog/spdlog.h>

#include <algorithm>

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "guideway/admin/api.h"
#include "guideway/compile/next_hop.h"
#include "guideway/config/config.h"
#include "guideway/model/validate.h"
#include "tests/fuzz/require.h"
#include "tests/unit/control/fakes.h"

namespace guideway::test {
namespace {

using admin::Request;
using admin::Response;
using FuzzJson = nlohmann::ordered_json;

constexpr std::size_t kMostRequests = 6;
/// Far more than any answer takes.
constexpr std::chrono::seconds kPatience{8};

/// Small tables: what is looked for is not how long they take.
constexpr const char* kFile = R"(
schema = 1
[director]
hash_seed = "000102030405060708090a0b0c0d0e0f"
min_rebuild_interval = "0s"
[capacity]
backends = 16
pools = 8
services = 16
slots = 2000
[[interface]]
name = "wan"
device = "vdev:net_null0"
[[pool]]
name = "web"
table_size = 67
backends = [{ name = "b1", address = "10.0.0.1" }, { name = "b2", address = "10.0.0.2" }]
[[service]]
name = "http"
address = "203.0.113.10"
port = 80
pool = "web"
)";

/// Knows every neighbour that it is asked for, at once.
class Kernel : public control::FakeMonitor {
 public:
  Result<void> watch(std::set<IpAddress> addresses) override {
    for (const IpAddress& address : addresses)
      if (!next_hops().contains(address)) set(address, compile::NextHop::State::kResolved);
    return FakeMonitor::watch(std::move(addresses));
  }
};

/// A director that has just started.
class Director {
 public:
  Director() { require(controller_.start().has_value(), "the first file is good"); }

  std::optional<Response> ask(const Request& request) {
    const auto answer = std::make_shared<std::optional<Response>>();
    const admin::Api api(controller_, admin::Access::kWrite);
    api.handle(request, [answer](Response response) {
      require(!*answer, "a request is answered once");
      *answer = std::move(response);
    });
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (!*answer && std::chrono::steady_clock::now() < deadline)
      loop_.run_one_for(std::chrono::milliseconds(20));
    return *answer;
  }

  std::uint64_t revision() const { return controller_.desired().revision; }

  void require_order() {
    require(model::validate(controller_.model()).empty(), "what runs keeps the model's rules");
    const Response config = *ask({"GET", "/v1/config", "", "", "", ""});
    const std::uint64_t before = revision();
    const auto same = ask({"PUT", "/v1/config", "", "", "", config.body});
    require(same && same->status == 200, "what runs can be put again");
    require(revision() == before, "that changes nothing");
    const auto toml = ask({"GET", "/v1/config?format=toml", "", "", "", ""});
    require(config::parse(toml->body, "saved").model.has_value(), "what runs is a good file");
  }

 private:
  boost::asio::io_context loop_;
  control::FakeDatapath datapath_{64};
  Kernel kernel_;
  control::FakeAddresses addresses_;
  control::Controller controller_{{loop_, datapath_, kernel_, addresses_, {"gw-wan"}, nullptr},
                                  config::parse(kFile, "f"),
                                  model::HashSeed{1, 2, 3},
                                  [] { return config::parse(kFile, "f"); }};
};

void require_harmless(const FuzzJson& text) {
  require(text.is_string(), "an error's field and message are text");
  for (const char c : text.get<std::string>())
    require(static_cast<unsigned char>(c) >= ' ' || c == '\n', "errors have no control characters");
}

void require_good_answer(const Response& response) {
  static const std::set<unsigned> kKnown = {200, 201, 400, 404, 405, 409, 412, 422, 503};
  require(kKnown.contains(response.status), "the status is one of the documented");
  if (response.content_type != "application/json") return;
  const FuzzJson json = FuzzJson::parse(response.body, nullptr, false);
  require(json.is_object() && json.contains("api") && json["api"] == 1, "an answer is an object");
  require(json.contains("error") == (response.status >= 400), "an error is said to be one");
  if (response.status < 400) return;
  const FuzzJson& error = json["error"];
  require(error.contains("code") && error.contains("message"), "an error has code and message");
  require_harmless(error["message"]);
  require_harmless(error.value("field", FuzzJson("")));
  if (error.contains("all"))
    for (const FuzzJson& each : error["all"]) require_harmless(each["message"]);
}

Request request_of(std::string_view text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  std::istringstream words{std::string(text.substr(0, end))};
  Request request;
  words >> request.method >> request.target >> request.if_match >> request.content_type;
  if (request.content_type == "-") request.content_type.clear();
  request.body = text.substr(std::min(end + 1, text.size()));
  return request;
}

std::vector<Request> requests_of(std::string_view text) {
  std::vector<Request> requests;
  while (!text.empty() && requests.size() < kMostRequests) {
    constexpr std::string_view kSeparator = "\n%%\n";
    const std::size_t end = std::min(text.find(kSeparator), text.size());
    requests.push_back(request_of(text.substr(0, end)));
    text.remove_prefix(std::min(end + kSeparator.size(), text.size()));
  }
  return requests;
}

/// It may take its time: up to a minute until something happens.
bool may_wait(const Request& request) {
  return request.target.starts_with("/v1/events") &&
         request.target.find_first_of("w%") != std::string::npos;
}

void try_requests(std::string_view text) {
  Director director;
  for (const Request& request : requests_of(text)) {
    if (may_wait(request)) continue;
    const std::uint64_t before = director.revision();
    const auto response = director.ask(request);
    require(response.has_value(), "a request is answered");
    require_good_answer(*response);
    const bool may_change = response->status < 400 && request.method != "GET";
    require(director.revision() == before + 1 || director.revision() == before,
            "a change is one revision");
    require(may_change || director.revision() == before, "what is refused changes nothing");
  }
  director.require_order();
}

}  // namespace
}  // namespace guideway::test

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  spdlog::set_level(spdlog::level::off);
  guideway::test::try_requests({reinterpret_cast<const char*>(data), size});
  return 0;
}
