// SPDX-License-Identifier: Apache-2.0
#include "guideway/config/resources.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "guideway/config/config.h"
#include "tests/support/rounds.h"

namespace guideway::config {
namespace {

using ::testing::HasSubstr;

Json parse_json(const std::string& text) { return Json::parse(text); }

Resources two_pools() {
  Resources resources;
  resources.pools = parse_json(R"([
    {"name": "web", "table_size": 251, "health_check": {"interval": "5s", "path": "/a"},
     "backends": [{"name": "b1", "address": "10.0.0.1"},
                  {"name": "b2", "address": "10.0.0.2", "weight": 5}]},
    {"name": "api", "table_size": 251, "backends": []}])");
  resources.services =
      parse_json(R"([{"name": "http", "address": "203.0.113.10", "port": 80, "pool": "web"}])");
  return resources;
}

Change change(Change::Op op, const std::string& path, const std::string& value = "null") {
  return {op, ResourcePath::parse(path).value(), parse_json(value)};
}

std::string error_of(const Change& each, Resources resources = two_pools()) {
  const Resources before = resources;
  const auto error = apply(each, resources);
  EXPECT_EQ(resources, before) << "a refused change has changed something";
  return error ? error->field + ": " + error->message : "no error";
}

TEST(ResourcePaths, AreReadAndWritten) {
  for (const std::string text : {"services/http", "pools/web", "pools/web/backends/b-1._x"})
    EXPECT_EQ(ResourcePath::parse(text).value().to_string(), text);
  for (const std::string text :
       {"", "/", "pools", "pools/", "pools/../x", "pools/web/backends", "pools/a b", "hosts/x",
        "pools/web/backends/b1/x", "services/http/backends/b1"})
    EXPECT_FALSE(ResourcePath::parse(text)) << text;
}

TEST(Changes, PutPatchAndDelete) {
  Resources resources = two_pools();
  EXPECT_FALSE(apply(
      change(Change::Op::kPut, "pools/api/backends/c1", R"({"address": "10.0.0.9"})"), resources));
  EXPECT_EQ(resources.pools[1]["backends"][0].dump(), R"({"name":"c1","address":"10.0.0.9"})");
  EXPECT_FALSE(apply(
      change(Change::Op::kPatch, "pools/web/backends/b2", R"({"weight": null, "state": "drain"})"),
      resources));
  EXPECT_EQ(resources.pools[0]["backends"][1].dump(),
            R"({"name":"b2","address":"10.0.0.2","state":"drain"})");
  EXPECT_FALSE(apply(change(Change::Op::kPatch, "pools/web", R"({"health_check": {"path": "/b"}})"),
                     resources));
  EXPECT_EQ(resources.pools[0]["health_check"].dump(), R"({"interval":"5s","path":"/b"})");
  EXPECT_FALSE(apply(change(Change::Op::kDelete, "services/http"), resources));
  EXPECT_TRUE(resources.services.empty());
}

TEST(Changes, WhatDoesNotFitIsNamedAndChangesNothing) {
  EXPECT_THAT(error_of(change(Change::Op::kPatch, "pools/wbe", "{}")),
              HasSubstr("there is no pool \"wbe\"; did you mean \"web\"?"));
  EXPECT_THAT(error_of(change(Change::Op::kPut, "pools/x/backends/b1", "{}")),
              HasSubstr("there is no pool \"x\""));
  EXPECT_THAT(error_of(change(Change::Op::kDelete, "pools/web/backends/b3")),
              HasSubstr("there is no backend \"b3\""));
  EXPECT_THAT(error_of(change(Change::Op::kPut, "pools/web", R"({"name": "other"})")),
              HasSubstr("pools/web.name: is another name"));
  EXPECT_THAT(error_of(change(Change::Op::kPut, "pools/web", "5")), HasSubstr("an object"));
}

TEST(Changes, GoToJsonAndBack) {
  const Change each = change(Change::Op::kPatch, "pools/web", R"({"table_size": 509})");
  const auto back = change_of(to_json(each));
  ASSERT_TRUE(back);
  EXPECT_EQ(to_json(*back), to_json(each));
  for (const std::string text :
       {"5", "{}", R"({"op": "put", "path": "pools/web"})", R"({"op": "eat", "path": "pools/web"})",
        R"({"op": "delete", "path": 5})", R"({"op": "delete", "path": "pools/web", "x": 1})"})
    EXPECT_FALSE(change_of(parse_json(text))) << text;
}

Resources without_order(Resources resources) {
  const auto sort = [](Json& items) {
    std::vector<Json> sorted(items.begin(), items.end());
    std::sort(sorted.begin(), sorted.end(),
              [](const Json& a, const Json& b) { return a["name"] < b["name"]; });
    items = sorted;
  };
  for (Json& pool : resources.pools)
    if (pool.contains("backends")) sort(pool["backends"]);
  sort(resources.pools);
  sort(resources.services);
  // Keys too: a plain json object sorts them.
  resources.pools = Json::parse(nlohmann::json::parse(resources.pools.dump()).dump());
  resources.services = Json::parse(nlohmann::json::parse(resources.services.dump()).dump());
  return resources;
}

/// Some pools with some backends, and services on some of them.
Resources random_resources(std::mt19937& random) {
  Resources resources;
  for (int p = 0; p < 4; ++p) {
    if (random() % 4 == 0) continue;
    Json pool = {{"name", "p" + std::to_string(p)}, {"backends", Json::array()}};
    if (random() % 2) pool["table_size"] = 251 + random() % 3;
    if (random() % 2) pool["health_check"] = {{"interval", std::to_string(1 + random() % 2) + "s"}};
    for (int b = 0; b < 4; ++b) {
      if (random() % 3 == 0) continue;
      Json backend = {{"name", "b" + std::to_string(b)}, {"address", "10.0.0.1"}};
      if (random() % 2) backend["weight"] = random() % 3;
      pool["backends"].push_back(backend);
    }
    resources.pools.push_back(pool);
  }
  for (int s = 0; s < 3; ++s)
    if (random() % 2)
      resources.services.push_back({{"name", "s" + std::to_string(s)}, {"port", random() % 2}});
  return resources;
}

TEST(Difference, MakesOneOfTheOther) {
  std::mt19937 random(7);
  const int tries = test::rounds(60, 300);
  for (int round = 0; round < tries; ++round) {
    const Resources from = random_resources(random);
    const Resources to = random_resources(random);
    Resources result = from;
    for (const Change& each : difference(from, to)) {
      const auto error = apply(each, result);
      ASSERT_FALSE(error) << error->field << error->message;
    }
    ASSERT_EQ(without_order(result), without_order(to)) << "round " << round;
    ASSERT_TRUE(difference(to, to).empty());
  }
}

TEST(Difference, NamesOnlyTheKeysThatDiffer) {
  Resources to = two_pools();
  to.pools[0]["backends"][1]["weight"] = 6;
  const auto changes = difference(two_pools(), to);
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(to_json(changes[0]).dump(),
            R"({"op":"patch","path":"pools/web/backends/b2","value":{"weight":6}})");
}

TEST(ResourcesOfAFile, AreItsOwnWordsAndGiveTheSameModel) {
  const std::string text = R"(
schema = 1
[director]
name = "lb1"
hash_seed = "000102030405060708090a0b0c0d0e0f"
[[interface]]
name = "wan"
device = "vdev:net_null0"
[[pool]]
name = "web"
forwarding = "vxlan"
vxlan = { vni = 100, inner_mac = "02:67:77:00:00:01" }
backends = [{ name = "b1", address = "10.0.0.1" }]
[pool.health_check]
interval = "5s"
timeout = "1s"
[[service]]
name = "http"
address = "203.0.113.10"
port = 80
pool = "web"
)";
  const LoadResult file = parse(text, "f");
  ASSERT_TRUE(file.model) << file.errors.front();
  EXPECT_EQ(file.resources.pools[0]["vxlan"]["vni"], 100);
  EXPECT_FALSE(file.rest["director"].contains("hash_seed")) << "a secret";
  const ModelResult read = read_resources(*file.model, file.resources);
  ASSERT_TRUE(read.model);
  EXPECT_EQ(*read.model, *file.model);
  // And once more by way of a file.
  LoadResult again = parse(to_toml(file.rest, file.resources), "again");
  ASSERT_TRUE(again.model) << again.errors.front();
  again.model->director.hash_seed = file.model->director.hash_seed;
  EXPECT_EQ(*again.model, *file.model);
}

TEST(ReadResources, ReportsEveryRuleThatIsBroken) {
  Resources resources = two_pools();
  resources.pools[0]["backends"][0]["weight"] = 1001;
  resources.pools[0]["backends"][1]["color"] = "red";
  resources.services[0]["pool"] = nullptr;
  resources.services[0]["port"] = 1.5;
  const ModelResult read = read_resources({}, resources);
  EXPECT_FALSE(read.model);
  std::string all;
  for (const FieldError& error : read.errors) all += error.field + ": " + error.message + "\n";
  EXPECT_THAT(all, HasSubstr("pool[0].backends[0].weight: 1001"));
  EXPECT_THAT(all, HasSubstr("pool[0].backends[1].color"));
  EXPECT_THAT(all, HasSubstr("service[0].pool: must be a string, not null"));
  EXPECT_THAT(all, HasSubstr("service[0].port: must be an integer"));
}

}  // namespace
}  // namespace guideway::config
