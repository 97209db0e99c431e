// SPDX-License-Identifier: Apache-2.0
// The NAT table by itself: against a plain map under random operations, eviction, exhaustion and
// the reuse of ports.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <random>
#include <set>
#include <vector>

#include "guideway/core/port_native.h"
// After the port header, which the core's other headers need.
#include "guideway/core/nat_table.h"
#include "tests/support/rounds.h"

namespace guideway::test {
namespace {

constexpr std::uint32_t kNatIdle_s = 300;
constexpr std::uint32_t kNatStart_s = 1000;

/// A table of `planes` NAT addresses, a clock, and what packets do to entries.
class NatTable {
 public:
  explicit NatTable(std::uint32_t planes = 1) : buckets_(std::size_t{planes} * GW_NAT_PLANE) {
    const std::uint8_t seed[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
    secret_ = gw_hash_expand(seed);
    state_.nat_address_count = planes;
    port_.state = &state_;
    port_.nat_buckets = buckets_.data();
    port_.nat_bucket_count = static_cast<std::uint32_t>(buckets_.size());
  }

  /// Of client number `client`; different numbers are different (address, port).
  gw_nat_query query(std::uint32_t client, std::uint8_t protocol = GW_PROTO_TCP,
                     std::uint32_t plane = 0) const {
    gw_nat_query query{};
    query.key.client[0] = 0x0a000000u + client / 50000;
    query.key.vip[0] = 0xcb00710au;
    query.key.tail = gw_nat_tail((1024 + client % 50000) | 0x50000000u, protocol, GW_FAMILY_4);
    query.hash = gw_nat_hash(&secret_, &query.key);
    query.address = plane;
    query.now_s = now_s;
    return query;
  }

  std::uint32_t insert(gw_nat_query query, std::uint32_t backend = 7) {
    gw_nat_start start{};
    start.backend = backend;
    start.seen = GW_NAT_SEEN;
    start.settings = gw_nat_settings(kNatIdle_s, 3);
    const std::uint32_t place = gw_nat_insert(&port_, &query, &start);
    evicted = place != GW_NAT_NO_PLACE && query.evicts != 0;
    return place;
  }
  std::uint32_t find(gw_nat_query query) const { return gw_nat_find(&port_, &query); }

  gw_nat_entry& entry(std::uint32_t place) { return buckets_[place >> 3].entries[place & 7]; }
  std::uint64_t& word(std::uint32_t place) { return buckets_[place >> 3].ways.words[place & 7]; }
  void client_speaks(std::uint32_t place, std::uint32_t seen) {
    gw_nat_touch(&entry(place).client_word, GW_NAT_SEEN | seen, now_s);
  }
  void backend_speaks(std::uint32_t place, std::uint32_t seen = 0) {
    gw_nat_touch(&entry(place).backend_word, GW_NAT_SEEN | seen, now_s);
  }
  void establish(std::uint32_t place) {
    backend_speaks(place);
    client_speaks(place, GW_NAT_CONFIRMED);
  }
  /// The two buckets that rivals have.
  void sweep_rivals() {
    const gw_nat_query any = rival(0);
    for (std::uint32_t i = 0; i < 16; i++) {
      const std::uint32_t place = gw_nat_place(gw_nat_candidate(&any, i / 8), i % 8);
      if (gw_nat_state(word(place)) != GW_NAT_VALID) continue;
      word(place) = gw_nat_swept(word(place), &entry(place), now_s, 1, 0);
    }
  }
  /// As query(), of a client whose two buckets are those of all rivals.
  gw_nat_query rival(std::uint32_t client, std::uint8_t protocol = GW_PROTO_TCP) const {
    gw_nat_query made = query(client, protocol);
    made.hash = (made.hash & 0xffffffff00000000u) | 0x12345678u;
    return made;
  }

  const gw_hash_key& secret() const { return secret_; }

  std::uint32_t now_s = kNatStart_s;
  bool evicted = false;

 private:
  std::vector<gw_nat_bucket> buckets_;
  gw_hash_key secret_{};
  gw_state state_{};
  gw_port port_{};
};

TEST(NatPlaces, PortsAndPlacesAreOneToOne) {
  EXPECT_EQ(gw_nat_place_of(0, 1023), GW_NAT_NO_PLACE);
  EXPECT_EQ(gw_nat_place_of(0, 0), GW_NAT_NO_PLACE);
  std::set<std::uint32_t> places;
  for (std::uint32_t address = 0; address < 3; address++) {
    for (std::uint32_t port = 1024; port < 65536; port++) {
      const std::uint32_t place = gw_nat_place_of(address, port);
      ASSERT_EQ(gw_nat_port_of(address, place), port);
      ASSERT_NE(place / 8 % GW_NAT_PLANE, 0U) << "the header's place";
      places.insert(place);
    }
  }
  EXPECT_EQ(places.size(), 3U * 64512U);
}

TEST(NatPlaces, AHashHasTwoBucketsInsideItsPlane) {
  const NatTable table(3);
  for (std::uint32_t client = 0; client < 5000; client++) {
    const gw_nat_query query = table.query(client, GW_PROTO_TCP, 1);
    for (const std::uint32_t turn : {0U, 1U}) {
      const std::uint32_t bucket = gw_nat_candidate(&query, turn);
      ASSERT_GT(bucket, GW_NAT_PLANE);
      ASSERT_LT(bucket, 2 * GW_NAT_PLANE);
    }
    ASSERT_NE(gw_nat_candidate(&query, 0), gw_nat_candidate(&query, 1));
  }
}

TEST(NatWord, ItsPartsAreApart) {
  const std::uint64_t word = gw_nat_word(0x89abcdef, 0x1234, GW_NAT_VALID, 0x1fff);
  EXPECT_EQ(gw_nat_upper(word), 0x89abcdefU);
  EXPECT_EQ(gw_nat_backend(word), 0x1234U);
  EXPECT_EQ(gw_nat_state(word), GW_NAT_VALID);
  EXPECT_EQ(gw_nat_generation(word), 0x1fffU);
  EXPECT_FALSE(gw_nat_marked(word));
  const std::uint64_t freed = gw_nat_freed(word | GW_NAT_MARK, 77);
  EXPECT_EQ(gw_nat_state(freed), GW_NAT_FREE);
  EXPECT_EQ(gw_nat_upper(freed), 77U);
  EXPECT_EQ(gw_nat_generation(freed), 0U) << "the next one";
  EXPECT_FALSE(gw_nat_marked(freed));
}

TEST(NatTimeout, GoesByWhatWasSeen) {
  const auto timeout = [](unsigned protocol, unsigned client, unsigned backend) {
    return gw_nat_timeout(protocol, client | GW_NAT_SEEN, backend, kNatIdle_s);
  };
  EXPECT_EQ(timeout(GW_PROTO_TCP, 0, 0), 30U) << "a SYN";
  EXPECT_EQ(timeout(GW_PROTO_TCP, 0, GW_NAT_SEEN), 30U) << "answered";
  EXPECT_EQ(timeout(GW_PROTO_TCP, GW_NAT_CONFIRMED, GW_NAT_SEEN), kNatIdle_s);
  EXPECT_EQ(timeout(GW_PROTO_TCP, GW_NAT_CONFIRMED | GW_NAT_SEEN_FIN, GW_NAT_SEEN), kNatIdle_s)
      << "half closed, it may go on for long";
  EXPECT_EQ(
      timeout(GW_PROTO_TCP, GW_NAT_CONFIRMED | GW_NAT_SEEN_FIN, GW_NAT_SEEN | GW_NAT_SEEN_FIN),
      10U);
  EXPECT_EQ(timeout(GW_PROTO_TCP, GW_NAT_CONFIRMED, GW_NAT_SEEN | GW_NAT_SEEN_RST), 2U);
  EXPECT_EQ(timeout(GW_PROTO_TCP, GW_NAT_CONFIRMED | GW_NAT_SEEN_RST, GW_NAT_SEEN), 10U)
      << "it may have been forged";
  EXPECT_EQ(timeout(GW_PROTO_UDP, 0, 0), 30U);
  EXPECT_EQ(timeout(GW_PROTO_UDP, 0, GW_NAT_SEEN), kNatIdle_s);
  EXPECT_EQ(gw_nat_timeout(GW_PROTO_TCP, GW_NAT_SEEN, 0, 5), 5U)
      << "never longer than the service's";
}

TEST(NatTable, AFlowIsFoundAtItsPlaceByItsWholeKey) {
  NatTable table;
  const std::uint32_t place = table.insert(table.query(1));
  ASSERT_NE(place, GW_NAT_NO_PLACE);
  EXPECT_EQ(table.find(table.query(1)), place);
  gw_nat_query other = table.query(1);
  other.key.vip[0]++;  // as if the hash were the same
  EXPECT_EQ(table.find(other), GW_NAT_NO_PLACE);
  const std::uint32_t second = table.insert(other);
  EXPECT_NE(second, place);
  EXPECT_EQ(table.find(other), second);
  EXPECT_EQ(table.find(table.query(1, GW_PROTO_UDP)), GW_NAT_NO_PLACE);
}

TEST(NatTable, NobodyPushesOutTheEstablished) {
  NatTable table;
  for (std::uint32_t i = 0; i < 16; i++) {
    const std::uint32_t place = table.insert(table.rival(i));
    ASSERT_NE(place, GW_NAT_NO_PLACE) << i;
    ASSERT_FALSE(table.evicted);
    table.establish(place);
  }
  EXPECT_EQ(table.insert(table.rival(16)), GW_NAT_NO_PLACE);
  for (std::uint32_t i = 0; i < 16; i++) EXPECT_NE(table.find(table.rival(i)), GW_NAT_NO_PLACE);
}

TEST(NatTable, TheOldestOnProbationGivesWay) {
  NatTable table;
  for (std::uint32_t i = 0; i < 16; i++) {
    table.now_s = kNatStart_s + (i == 5 || i == 9 ? i - 5 : 10);
    const std::uint32_t place = table.insert(table.rival(i));
    if (i != 5 && i != 9 && i != 12) table.establish(place);
    if (i == 5) table.backend_speaks(place);  // answered is not yet established
  }
  table.now_s = kNatStart_s + 20;
  for (std::uint32_t gone : {9U, 12U, 5U}) {
    EXPECT_NE(table.find(table.rival(gone)), GW_NAT_NO_PLACE);
    const std::uint32_t place = table.insert(table.rival(16 + gone));
    ASSERT_NE(place, GW_NAT_NO_PLACE);
    table.establish(place);
    EXPECT_TRUE(table.evicted);
    EXPECT_EQ(table.find(table.rival(gone)), GW_NAT_NO_PLACE)
        << gone << ": by age, the answered one last";
  }
  EXPECT_EQ(table.insert(table.rival(40)), GW_NAT_NO_PLACE);
}

TEST(NatTable, WhatHasEndedGivesWayBeforeItsTimeout) {
  NatTable table;
  std::vector<std::uint32_t> places;
  for (std::uint32_t i = 0; i < 16; i++) {
    places.push_back(table.insert(table.rival(i)));
    if (i != 3) table.establish(places.back());  // number 3 stays on probation
  }
  table.client_speaks(places[5], GW_NAT_CONFIRMED | GW_NAT_SEEN_FIN);
  table.backend_speaks(places[5], GW_NAT_SEEN_FIN);
  table.client_speaks(places[6], GW_NAT_CONFIRMED | GW_NAT_SEEN_FIN);  // half closed
  table.now_s += GW_NAT_ENDED_GRACE_S - 1;
  table.establish(table.insert(table.rival(20)));
  EXPECT_EQ(table.find(table.rival(3)), GW_NAT_NO_PLACE) << "the other has just said its FIN";
  EXPECT_TRUE(table.evicted);
  table.now_s += 1;
  table.establish(table.insert(table.rival(21)));
  EXPECT_EQ(table.find(table.rival(21)), places[5]);
  EXPECT_FALSE(table.evicted);
  EXPECT_EQ(table.insert(table.rival(22)), GW_NAT_NO_PLACE) << "nobody else has ended";
}

TEST(NatTable, ADatagramThatWaitsForItsAnswerKeepsItsPort) {
  NatTable table;
  for (std::uint32_t i = 0; i < 16; i++)
    ASSERT_NE(table.insert(table.rival(i, GW_PROTO_UDP)), GW_NAT_NO_PLACE);
  table.now_s += GW_NAT_UDP_GRACE_S - 1;
  EXPECT_EQ(table.insert(table.rival(16, GW_PROTO_UDP)), GW_NAT_NO_PLACE);
  table.now_s += 1;
  EXPECT_NE(table.insert(table.rival(16, GW_PROTO_UDP)), GW_NAT_NO_PLACE);
  EXPECT_TRUE(table.evicted);
}

TEST(NatTable, AFloodDoesNotAlwaysTakeTheSamePlace) {
  NatTable table;
  std::set<std::uint32_t> taken;
  for (std::uint32_t i = 0; i < 400; i++) {
    const std::uint32_t place = table.insert(table.rival(i));
    ASSERT_NE(place, GW_NAT_NO_PLACE);
    if (i >= 16) taken.insert(place & 7);
  }
  EXPECT_EQ(taken.size(), 8U);
}

TEST(NatTable, AResetHoldsUntilTheSameSideSpeaksAgain) {
  NatTable table;
  const std::uint32_t place = table.insert(table.query(1));
  table.establish(place);
  table.client_speaks(place, GW_NAT_SEEN_RST);
  table.backend_speaks(place);
  table.now_s += 11;
  EXPECT_EQ(gw_nat_judge(&table.entry(place), table.now_s).is_over, 1);
  table.now_s -= 11;
  table.client_speaks(place, 0);
  table.now_s += kNatIdle_s;
  EXPECT_EQ(gw_nat_judge(&table.entry(place), table.now_s).is_over, 0);
}

/// As of an office behind one address, whose ports are to several services at once.
TEST(NatTable, ManyServicesOfOneClientPortAreManyFlows) {
  NatTable table;
  for (std::uint32_t port = 0; port < 200; port++) {
    gw_nat_query query = table.query(0);
    query.key.tail = gw_nat_tail(40000 | port << 16, GW_PROTO_TCP, GW_FAMILY_4);
    query.hash = gw_nat_hash(&table.secret(), &query.key);
    const std::uint32_t place = table.insert(query);
    ASSERT_NE(place, GW_NAT_NO_PLACE) << port;
    table.establish(place);
    ASSERT_EQ(table.find(query), place) << port;
  }
}

TEST(NatTable, EveryPartOfTheKeyEntersTheHash) {
  const NatTable table;
  std::set<std::uint64_t> hashes{table.query(0).hash};
  for (int bit = 0; bit < 128; bit++) {
    for (const bool of_client : {true, false}) {
      gw_nat_key key = table.query(0).key;
      (of_client ? key.client : key.vip)[bit / 64] ^= 1ULL << bit % 64;
      hashes.insert(gw_nat_hash(&table.secret(), &key));
    }
  }
  for (int bit = 0; bit < 48; bit++) {
    gw_nat_key key = table.query(0).key;
    key.tail ^= 1ULL << bit;
    hashes.insert(gw_nat_hash(&table.secret(), &key));
  }
  EXPECT_EQ(hashes.size(), 1U + 256U + 48U);
}

TEST(NatTable, WhatIsOverIsTakenWithoutASweep) {
  NatTable table;
  for (std::uint32_t i = 0; i < 16; i++) table.establish(table.insert(table.rival(i)));
  table.now_s += kNatIdle_s;
  EXPECT_EQ(table.insert(table.rival(16)), GW_NAT_NO_PLACE) << "not over yet";
  table.now_s += 1;
  EXPECT_NE(table.insert(table.rival(16)), GW_NAT_NO_PLACE);
  EXPECT_FALSE(table.evicted);
}

TEST(NatTable, AFreedPortIsTakenAgainAsLateAsCanBe) {
  NatTable table;
  std::vector<std::uint32_t> places;
  for (int i = 0; i < 32; i++) {
    const std::uint32_t place = table.insert(table.rival(1));
    places.push_back(place);
    table.client_speaks(place, GW_NAT_SEEN_RST);
    table.now_s += 10;
    table.sweep_rivals();
  }
  const std::set<std::uint32_t> first(places.begin(), places.begin() + 16);
  EXPECT_EQ(first.size(), 16U) << "all sixteen, before any comes again";
  EXPECT_TRUE(std::equal(places.begin(), places.begin() + 16, places.begin() + 16)) << "in turn";
}

/// How many of so many percent of 64,512 flows find no port.
std::uint32_t refused_at(std::uint32_t percent) {
  NatTable table;
  std::uint32_t refused = 0;
  const std::uint32_t flows = 64512 / 100 * percent;
  for (std::uint32_t i = 0; i < flows; i++) {
    const std::uint32_t place = table.insert(table.query(i));
    if (place == GW_NAT_NO_PLACE)
      refused++;
    else
      table.establish(place);
  }
  return refused;
}

TEST(NatTable, FlowsFindAPlaceUntilNinetyPercentOfThePortsAreInUse) {
  EXPECT_LE(refused_at(75), 4U) << "one in ten thousand";
  EXPECT_LT(refused_at(90), 645U) << "one percent";
}

TEST(NatTable, AClaimOfTheDeadIsOverInTheEnd) {
  NatTable table;
  std::uint32_t claimed = 0;
  for (std::uint32_t i = 0; i < 16; i++) {
    const std::uint32_t place = table.insert(table.rival(i));
    table.establish(place);
    claimed = place;
  }
  table.word(claimed) = gw_nat_word(table.now_s, 0, GW_NAT_CLAIMED, 9);
  EXPECT_EQ(table.insert(table.rival(16)), GW_NAT_NO_PLACE);
  table.now_s += GW_NAT_CLAIM_S;
  EXPECT_EQ(table.insert(table.rival(16)), GW_NAT_NO_PLACE);
  table.now_s += 1;
  EXPECT_EQ(table.insert(table.rival(16)), claimed);
}

TEST(NatTable, HostileMemoryLeadsNowhereElse) {
  NatTable table;
  std::mt19937_64 random(5);
  for (std::uint32_t place = 8; place < 80; place++) {
    table.word(place) = random();
    auto* words = reinterpret_cast<std::uint64_t*>(&table.entry(place));
    std::generate(words, words + sizeof(gw_nat_entry) / 8, std::ref(random));
  }
  for (std::uint32_t i = 0; i < 20000; i++) {
    const std::uint32_t place = table.insert(table.query(i));
    if (place != GW_NAT_NO_PLACE) {
      ASSERT_LT(place >> 3, GW_NAT_PLANE);
      ASSERT_EQ(table.find(table.query(i)), place);
    }
  }
}

/// What a flow should be, by plain words.
struct PlainFlow {
  std::uint32_t place = 0;
  std::uint32_t last_s = 0;
  bool confirmed = false, answered = false, client_fin = false, backend_fin = false;
  bool client_reset = false, backend_reset = false;  // until that side speaks again
  bool tcp = true;

  std::uint32_t timeout() const {
    if (!tcp) return answered ? kNatIdle_s : 30;
    if (backend_reset) return 2;
    if (client_reset || (client_fin && backend_fin)) return 10;
    return confirmed ? kNatIdle_s : 30;
  }
  bool is_over(std::uint32_t now) const { return now - last_s > timeout(); }
  bool has_ended(std::uint32_t now) const {
    return tcp && (backend_reset || (client_fin && backend_fin)) && now - last_s >= 2;
  }
  /// Who gives way first, when there is no other place; 0: not at all.
  int gives_way(std::uint32_t now) const {
    if (has_ended(now)) return 3;
    if (confirmed || (!tcp && now - last_s < 2)) return 0;
    return answered ? 1 : 2;
  }
};

/// Clients of few buckets, so that places run out.
class NatModel : public testing::TestWithParam<std::uint32_t> {};

TEST_P(NatModel, AgreesWithAPlainMap) {
  NatTable table;
  std::mt19937 random(GetParam());
  std::map<std::uint32_t, PlainFlow> flows;  // by client
  std::uint32_t refused = 0;
  std::uint32_t evicted = 0;
  std::uint32_t ended = 0;
  const int steps = rounds(15'000, 60'000);
  for (int step = 0; step < steps; step++) {
    const auto client = static_cast<std::uint32_t>(random() % 40);
    const std::uint8_t protocol = client % 3 == 0 ? GW_PROTO_UDP : GW_PROTO_TCP;
    if (random() % 16 == 0) table.now_s += random() % (random() % 64 == 0 ? 400 : 6);
    if (random() % 200 == 0) table.sweep_rivals();
    const auto known = flows.find(client);
    const bool alive = known != flows.end() && !known->second.is_over(table.now_s);
    const gw_nat_query query = table.rival(client, protocol);
    const std::uint32_t found = table.find(query);
    if (alive) {
      ASSERT_EQ(found, known->second.place) << "step " << step;
      ASSERT_EQ(gw_nat_judge(&table.entry(found), table.now_s).is_over, 0);
      PlainFlow& flow = known->second;
      flow.last_s = table.now_s;
      const bool fin = flow.tcp && random() % 50 == 0;
      const bool reset = flow.tcp && random() % 150 == 0;
      const std::uint32_t seen = (fin ? +GW_NAT_SEEN_FIN : 0U) | (reset ? +GW_NAT_SEEN_RST : 0U);
      if (random() % 2 == 0) {
        flow.confirmed |= flow.answered;
        flow.client_fin |= fin;
        flow.client_reset = reset;
        table.client_speaks(found, seen | (flow.answered ? +GW_NAT_CONFIRMED : 0U));
      } else {
        flow.answered = true;
        flow.backend_fin |= fin;
        flow.backend_reset = reset;
        table.backend_speaks(found, seen);
      }
      continue;
    }
    if (found != GW_NAT_NO_PLACE) {
      ASSERT_EQ(gw_nat_judge(&table.entry(found), table.now_s).is_over, 1) << "step " << step;
      table.word(found) = gw_nat_freed(table.word(found), table.now_s);
    }
    flows.erase(client);
    std::erase_if(flows, [&](const auto& each) { return each.second.is_over(table.now_s); });
    const auto one_gives_way = [&] {
      return std::any_of(flows.begin(), flows.end(),
                         [&](const auto& each) { return each.second.gives_way(table.now_s) != 0; });
    };
    const bool full = flows.size() == 16;
    const bool expects_room = !full || one_gives_way();
    const std::uint32_t place = table.insert(query);
    ASSERT_EQ(place != GW_NAT_NO_PLACE, expects_room) << "step " << step;
    if (place == GW_NAT_NO_PLACE) {
      refused++;
      continue;
    }
    if (full) {
      const auto gone = std::find_if(flows.begin(), flows.end(),
                                     [&](const auto& each) { return each.second.place == place; });
      ASSERT_NE(gone, flows.end());
      const int gave_way = gone->second.gives_way(table.now_s);
      ASSERT_GT(gave_way, 0) << "an established flow was pushed out";
      ASSERT_EQ(table.evicted, gave_way < 3) << "step " << step;
      ended += gave_way == 3 ? 1 : 0;
      evicted += gave_way < 3 ? 1 : 0;
      for (const auto& [other, flow] : flows) {
        ASSERT_LE(flow.gives_way(table.now_s), gave_way) << "another one first";
        if (flow.gives_way(table.now_s) == gave_way) {
          ASSERT_GE(flow.last_s, gone->second.last_s) << "not the oldest";
        }
      }
      flows.erase(gone);
    } else {
      ASSERT_FALSE(table.evicted) << "step " << step;
    }
    for (const auto& [other, flow] : flows) ASSERT_NE(flow.place, place) << "a place taken twice";
    flows[client] = {.place = place, .last_s = table.now_s, .tcp = protocol == GW_PROTO_TCP};
  }
  EXPECT_GT(refused, 0U);
  EXPECT_GT(evicted, 100U);
  EXPECT_GT(ended, 0U);
}

INSTANTIATE_TEST_SUITE_P(Seeds, NatModel, testing::Values(1U, 2U, 3U, 4U));

}  // namespace
}  // namespace guideway::test
