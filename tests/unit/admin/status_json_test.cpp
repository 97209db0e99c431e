// SPDX-License-Identifier: Apache-2.0
#include "guideway/admin/status_json.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "fits_schema.h"

namespace guideway::admin {
namespace {

control::Status make_status() {
  control::Status status;
  status.director = "lb1";
  status.generation = 5;
  status.datapath.kind = "dpdk";
  datapath::WorkerStatus worker;
  worker.counters.packets_in = 10;
  worker.counters.reasons[GW_REASON_FORWARDED] = 4;
  worker.counters.reasons[GW_REASON_RESET_SENT] = 1;
  worker.counters.reasons[GW_REASON_NOT_IP] = 2;
  worker.counters.reasons[GW_REASON_FRAGMENT] = 2;
  worker.counters.reasons[GW_REASON_TX_FULL] = 1;
  worker.counters.events[GW_EVENT_FLOW_HIT] = 3;
  status.datapath.workers = {worker};
  status.datapath.interfaces = {{.name = "wan"}};
  status.nat_addresses = {{.address = IpAddress::v4({198, 51, 100, 9}), .ports_used = 1}};
  status.services = {{.name = "http"}};
  control::PoolStatus pool;
  pool.name = "web";
  control::BackendStatus backend;
  backend.name = "b\xff\n";
  backend.traffic.packets = 3;
  backend.state = "drain";
  backend.live_flows = 2;
  pool.backends = {backend, backend};
  status.pools = {pool};
  return status;
}

TEST(StatusJson, EveryPacketIsInExactlyOneSum) {
  const auto json = nlohmann::json::parse(status_json(make_status()));
  const auto& worker = json["workers"][0];
  EXPECT_EQ(worker["forwarded"], 4);
  EXPECT_EQ(worker["replied"], 1);
  EXPECT_EQ(worker["to_kernel"], 2);
  EXPECT_EQ(worker["dropped"], 3);
  EXPECT_EQ(worker["packets_in"], 10);
  EXPECT_EQ(worker["reasons"]["fragment"], 2);
  EXPECT_EQ(worker["reasons"].size(), std::size_t{GW_REASON_COUNT});
  EXPECT_EQ(worker["events"]["flow_hits"], 3);
}

TEST(StatusJson, IsAsItIsDescribed) {
  expect_fits(schema_named("Status"), ApiJson::parse(status_json(make_status())), "status");
}

TEST(StatusJson, APoolIsTheSumOfItsBackendsAndOfThoseThatHaveLeftIt) {
  control::Status status = make_status();
  status.pools[0].gone = {100, 6400, 9};
  const auto json = nlohmann::json::parse(status_json(status));
  EXPECT_EQ(json["pools"][0]["packets"], 106);
  EXPECT_EQ(json["pools"][0]["bytes"], 6400);
  EXPECT_EQ(json["pools"][0]["flows"], 9);
  EXPECT_EQ(json["pools"][0]["live_flows"], 4);
}

TEST(StatusJson, SaysThatNothingWasCountedYetAndIsOneLineWhateverNamesHold) {
  const std::string text = status_json(make_status());
  EXPECT_TRUE(nlohmann::json::parse(text)["live_flows_age_s"].is_null());
  EXPECT_EQ(text.find('\n'), text.size() - 1);
}

}  // namespace
}  // namespace guideway::admin
