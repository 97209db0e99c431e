// SPDX-License-Identifier: Apache-2.0
// The rules of adoption, on memory of the test's own and on real files. What concerns pinned BPF
// maps alone needs root and is tested elsewhere.
#include "guideway/datapath/flow_store.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <utility>
#include <vector>

#include "guideway/datapath/deferred_store.h"
#include "guideway/datapath/file_store.h"
#include "tests/support/kept_flows_layout.h"
#include "tests/support/temporary_dir.h"

namespace guideway::datapath {
namespace {

using compile::BackendIds;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using Piece = std::shared_ptr<std::vector<std::byte>>;

/// A store that is gone with the test. Put by reference, as pins are: what is mapped and what is
/// stored are one memory.
class InMemoryStore : public MemoryStore {
 public:
  std::string name() const override { return "the test"; }

  bool contains(const std::string& name) const override {
    return pieces.contains(name) || faults.contains(name);
  }
  Result<StoredMemoryPtr> open(const std::string& name, std::size_t) override {
    if (faults.contains(name)) return base::fail(faults[name]);
    const auto found = pieces.find(name);
    if (found == pieces.end()) return StoredMemoryPtr();
    return std::make_unique<Memory>(found->second);
  }
  Result<StoredMemoryPtr> make(const std::string& name, std::size_t bytes, std::size_t) override {
    if (name == no_room_for) return base::fail("there is no room for \"" + name + "\"");
    return std::make_unique<Memory>(std::make_shared<std::vector<std::byte>>(bytes));
  }
  Result<void> put(StoredMemory& memory, const std::string& name) override {
    if (std::exchange(fails_next_put, false)) return base::fail("it cannot be pinned");
    puts.push_back(name);
    pieces[name] = static_cast<const Memory&>(memory).piece();
    return {};
  }
  void remove(const std::string& name) override { pieces.erase(name); }

  std::map<std::string, Piece> pieces;
  std::map<std::string, std::string> faults;  // of open(), by name
  std::string no_room_for;
  bool fails_next_put = false;
  std::vector<std::string> puts;

 private:
  class Memory : public StoredMemory {
   public:
    explicit Memory(Piece piece) : piece_(std::move(piece)) {}
    std::span<std::byte> bytes() const override { return *piece_; }
    const Piece& piece() const { return piece_; }

   private:
    const Piece piece_;
  };
};

FlowStore::Wanted wanted(FlowShape shape = {2, 10}) {
  FlowStore::Wanted result;
  result.director = "lb1";
  result.shape = shape;
  result.hash_seed = {1, 2, 3};
  result.backends = 8;
  return result;
}

BackendIds some_ids(std::uint16_t id = 5) {
  BackendIds ids(8);
  BackendIds::Entry entry;
  entry.key = {"web", IpAddress::v4({10, 0, 0, 1}), 80};
  entry.name = "b1";
  EXPECT_TRUE(ids.restore(id, entry));
  return ids;
}

/// What the log says while it lives.
class LogOfTest {
 public:
  LogOfTest() : earlier_(spdlog::default_logger()) {
    spdlog::set_default_logger(std::make_shared<spdlog::logger>(
        "test", std::make_shared<spdlog::sinks::ostream_sink_mt>(text_)));
  }
  ~LogOfTest() { spdlog::set_default_logger(earlier_); }
  LogOfTest(const LogOfTest&) = delete;
  LogOfTest& operator=(const LogOfTest&) = delete;
  std::string text() const { return text_.str(); }

 private:
  std::ostringstream text_;
  std::shared_ptr<spdlog::logger> earlier_;
};

/// What holds for every place that memory can be in.
void expect_a_life_after_death(MemoryStore& store) {
  {
    auto first = FlowStore::open(store, wanted());
    ASSERT_TRUE(first) << first.error().message;
    EXPECT_FALSE(first->adopted());
    ASSERT_EQ(first->view().buckets.size(), 20u);
    EXPECT_EQ(first->view().shard_count, 2u);
    EXPECT_EQ(first->view().buckets_per_shard, 10u);
    for (const gw_flow_bucket& bucket : first->view().buckets)
      for (const std::uint64_t word : bucket.words) ASSERT_EQ(word, 0u);
    first->view().buckets[19].words[7] = 0x1234;
    first->write_identities(6, some_ids());
  }
  // Other queues, other capacity, another seed in the file.
  FlowStore::Wanted other = wanted({7, 1000});
  other.hash_seed = {9, 9, 9};
  other.backends = 100;
  for (int life = 0; life < 3; ++life) {
    const LogOfTest log;
    auto next = FlowStore::open(store, other);
    ASSERT_TRUE(next) << next.error().message;
    ASSERT_TRUE(next->adopted()) << log.text();
    EXPECT_EQ(next->shape(), (FlowShape{2, 10}));
    EXPECT_EQ(next->adopted()->shape, (FlowShape{2, 10}));
    EXPECT_EQ(next->adopted()->hash_seed, (model::HashSeed{1, 2, 3}));
    EXPECT_EQ(next->adopted()->generation, 6u);
    EXPECT_EQ(next->adopted()->ids.at(5).name, "b1");
    EXPECT_EQ(next->view().buckets.size(), 20u);
    EXPECT_EQ(next->view().buckets[19].words[7], 0x1234u);
    EXPECT_THAT(log.text(), IsEmpty());
  }
  const auto looked_at = FlowStore::read(store, "lb1");
  ASSERT_TRUE(looked_at) << looked_at.error().message;
  EXPECT_EQ(looked_at->generation, 6u);
  {
    // There is room for the ids of the capacity that is wanted now.
    auto last = FlowStore::open(store, other);
    ASSERT_TRUE(last && last->adopted());
    BackendIds many(100);
    for (std::uint16_t id = 0; id < 100; ++id) {
      BackendIds::Entry entry;
      entry.key = {"web", IpAddress::v4({10, 0, 1, static_cast<std::uint8_t>(id)}), 0};
      entry.name = "b";
      ASSERT_TRUE(many.restore(id, entry));
    }
    last->write_identities(7, many);
  }
  const auto all = FlowStore::read(store, "lb1");
  ASSERT_TRUE(all) << all.error().message;
  EXPECT_EQ(all->generation, 7u);
  EXPECT_EQ(all->ids.entries().size(), 100u);
}

/// The table starts empty, and the log says why.
void expect_anew(MemoryStore& store, const char* why, const FlowStore::Wanted& want = wanted()) {
  const LogOfTest log;
  auto flows = FlowStore::open(store, want);
  ASSERT_TRUE(flows) << flows.error().message;
  EXPECT_FALSE(flows->adopted());
  EXPECT_EQ(flows->shape(), want.shape);
  EXPECT_THAT(log.text(), HasSubstr("cannot be adopted, so flows start anew"));
  EXPECT_THAT(log.text(), HasSubstr(why));
  for (const gw_flow_bucket& bucket : flows->view().buckets)
    for (const std::uint64_t word : bucket.words) ASSERT_EQ(word, 0u);
}

class FlowStoreTest : public testing::Test {
 protected:
  /// As a daemon leaves it.
  void fill() {
    auto flows = FlowStore::open(store_, wanted());
    ASSERT_TRUE(flows);
    flows->write_identities(6, some_ids());
    flows->view().buckets[0].words[0] = 1;
    store_.puts.clear();
  }
  std::span<std::byte> kept() { return *store_.pieces[FlowStore::kKept]; }

  InMemoryStore store_;
};

TEST_F(FlowStoreTest, OutlivesADaemon) { expect_a_life_after_death(store_); }

TEST_F(FlowStoreTest, StartsWithoutAWordWhenThereIsNothing) {
  const LogOfTest log;
  ASSERT_TRUE(FlowStore::open(store_, wanted()));
  EXPECT_THAT(log.text(), IsEmpty());
  // Without a description a table is not adopted: so it comes last.
  EXPECT_THAT(store_.puts, testing::ElementsAre("flows", "kept"));
}

TEST_F(FlowStoreTest, AnAdoptedTableIsNotReplaced) {
  fill();
  const Piece table = store_.pieces[FlowStore::kFlows];
  ASSERT_TRUE(FlowStore::open(store_, wanted({3, 3})));
  EXPECT_EQ(store_.pieces[FlowStore::kFlows], table);
  EXPECT_THAT(store_.puts, testing::ElementsAre("kept"));
}

TEST_F(FlowStoreTest, NewIdentitiesAreInTheStoreAtOnce) {
  fill();
  auto flows = FlowStore::open(store_, wanted());
  ASSERT_TRUE(flows);
  flows->write_identities(7, some_ids(2));
  const auto read = FlowStore::read(store_, "lb1");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->generation, 7u);
  EXPECT_TRUE(read->ids.entries().contains(2));
}

TEST_F(FlowStoreTest, StartsAnewAfterDamageAndAdoptsThat) {
  fill();
  kept()[test::kFixedChecksumAt] ^= std::byte{1};
  expect_anew(store_, "its checksum is wrong");
  const auto next = FlowStore::open(store_, wanted());
  ASSERT_TRUE(next);
  EXPECT_TRUE(next->adopted());
  EXPECT_EQ(next->adopted()->generation, 0u);
}

TEST_F(FlowStoreTest, StartsAnewWhenAnotherVersionLeftIt) {
  fill();
  test::put(kept(), test::kVersionAt, kKeptFlowsVersion + 1);
  test::seal(kept());
  expect_anew(store_, "this program reads");
}

TEST_F(FlowStoreTest, StartsAnewWhenAnotherDirectorLeftIt) {
  fill();
  FlowStore::Wanted other = wanted();
  other.director = "lb2";
  expect_anew(store_, "another director", other);
}

TEST_F(FlowStoreTest, RefusesACapacityThatIdsInUseDoNotFit) {
  fill();
  const auto before = store_.pieces;
  FlowStore::Wanted small = wanted();
  small.backends = 5;  // and the id is 5
  const auto refused = FlowStore::open(store_, small);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("capacity.backends = 5 is too small"));
  EXPECT_THAT(refused.error().message, HasSubstr("web/b1 has id 5: make it 6 or more"));
  EXPECT_EQ(store_.pieces, before);
  small.backends = 6;
  const auto next = FlowStore::open(store_, small);
  ASSERT_TRUE(next && next->adopted());
  EXPECT_EQ(next->adopted()->ids.capacity(), 6u);
}

TEST_F(FlowStoreTest, WantOfMemoryForTheDescriptionCostsNoFlows) {
  fill();
  store_.no_room_for = FlowStore::kKept;
  EXPECT_FALSE(FlowStore::open(store_, wanted()));
  store_.no_room_for.clear();
  const auto next = FlowStore::open(store_, wanted());
  ASSERT_TRUE(next && next->adopted());
}

TEST_F(FlowStoreTest, StartsAnewWhenOnePieceIsMissing) {
  fill();
  store_.pieces.erase(FlowStore::kFlows);
  expect_anew(store_, "there is no \"flows\"");
  fill();
  store_.pieces.erase(FlowStore::kKept);
  expect_anew(store_, "there is no \"kept\"");
}

TEST_F(FlowStoreTest, StartsAnewWhenTheTableIsShorterThanItsDescription) {
  fill();
  store_.pieces[FlowStore::kFlows]->resize(20 * sizeof(gw_flow_bucket) - 1);
  expect_anew(store_, "fewer buckets than its description says");
}

TEST_F(FlowStoreTest, StartsAnewWhenAPieceCannotBeOpened) {
  for (const char* name : {FlowStore::kFlows, FlowStore::kKept}) {
    fill();
    store_.faults[name] = "it is a map of another kind";
    expect_anew(store_, "a map of another kind");
    store_.faults.clear();
  }
}

TEST_F(FlowStoreTest, WantOfMemoryIsAnError) {
  for (const char* name : {FlowStore::kFlows, FlowStore::kKept}) {
    store_.pieces.clear();
    store_.no_room_for = name;
    const auto flows = FlowStore::open(store_, wanted());
    ASSERT_FALSE(flows);
    EXPECT_THAT(flows.error().message, HasSubstr("no room"));
    // Nothing is left that a later start would take for a table.
    EXPECT_FALSE(store_.pieces.contains(FlowStore::kKept));
  }
}

TEST_F(FlowStoreTest, ANewTableIsNeverBesideAnOldDescription) {
  fill();
  store_.pieces.erase(FlowStore::kFlows);
  // The start ends between the two.
  store_.no_room_for = FlowStore::kKept;
  const LogOfTest log;
  EXPECT_FALSE(FlowStore::open(store_, wanted()));
  EXPECT_TRUE(store_.pieces.contains(FlowStore::kFlows));
  EXPECT_FALSE(store_.pieces.contains(FlowStore::kKept));
}

TEST_F(FlowStoreTest, ReadingWhatIsNotThereIsAnError) {
  EXPECT_FALSE(FlowStore::read(store_, "lb1"));
  fill();
  EXPECT_TRUE(FlowStore::read(store_, "lb1"));
  EXPECT_FALSE(FlowStore::read(store_, "lb2"));
}

TEST_F(FlowStoreTest, WhatIsPutOffChangesNothingUntilItIsCarriedOut) {
  fill();
  test::put(kept(), test::kVersionAt, kKeptFlowsVersion + 1);
  test::seal(kept());
  const auto before = store_.pieces;
  const LogOfTest log;
  {
    DeferredStore deferred(store_);
    EXPECT_TRUE(FlowStore::open(deferred, wanted()));
  }
  EXPECT_EQ(store_.pieces, before);

  DeferredStore deferred(store_);
  auto flows = FlowStore::open(deferred, wanted());
  ASSERT_TRUE(flows);
  store_.fails_next_put = true;
  const auto failed = deferred.carry_out();
  ASSERT_FALSE(failed);
  EXPECT_THAT(failed.error().message, HasSubstr("cannot be pinned"));
  EXPECT_FALSE(store_.pieces.contains(FlowStore::kKept)) << "the old one beside a new table";
  ASSERT_TRUE(deferred.carry_out());
  flows->write_identities(3, some_ids());
  const auto read = FlowStore::read(store_, "lb1");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->generation, 3u);
  EXPECT_THAT(store_.puts, testing::ElementsAre("flows", "kept"));
}

class FileStoreTest : public testing::Test {
 protected:
  FileStoreTest() : directory_(temporary_.path("flows/lb1")) {}

  Result<FileStore> open() const { return FileStore::open_directory(directory_, "lb1", ""); }
  std::string file(const char* name) const { return directory_ + "/" + name; }
  void fill() const {
    auto store = open();
    ASSERT_TRUE(store) << store.error().message;
    auto flows = FlowStore::open(*store, wanted());
    ASSERT_TRUE(flows) << flows.error().message;
    flows->write_identities(6, some_ids());
    flows->view().buckets[0].words[0] = 1;
  }
  void expect_files_anew(const char* why) const {
    auto store = open();
    ASSERT_TRUE(store) << store.error().message;
    expect_anew(*store, why);
  }
  static mode_t mode_of(const std::string& path) {
    struct stat facts {};
    EXPECT_EQ(lstat(path.c_str(), &facts), 0) << path;
    return facts.st_mode & 07777;
  }

  const test::TemporaryDir temporary_;
  const std::string directory_;
};

TEST_F(FileStoreTest, OutlivesADaemon) {
  auto store = open();
  ASSERT_TRUE(store) << store.error().message;
  expect_a_life_after_death(*store);
}

TEST_F(FileStoreTest, FilesAreTheUsersOnly) {
  fill();
  EXPECT_EQ(mode_of(directory_), 0700u);
  EXPECT_EQ(mode_of(file("flows")), 0600u);
  EXPECT_EQ(mode_of(file("kept")), 0600u);
  // And nothing else is left there.
  const std::filesystem::directory_iterator all(directory_);
  EXPECT_EQ(std::distance(begin(all), end(all)), 2);
}

TEST_F(FileStoreTest, ADirectoryThatOthersMayWriteIsRefused) {
  fill();
  for (const mode_t mode : {0770U, 0702U}) {
    ASSERT_EQ(chmod(directory_.c_str(), mode), 0);
    const auto store = open();
    ASSERT_FALSE(store);
    EXPECT_THAT(store.error().message, HasSubstr("is not trusted"));
  }
}

TEST_F(FileStoreTest, SomethingElseInTheDirectorysPlaceIsRefused) {
  const std::string real = temporary_.path("real");
  ASSERT_EQ(mkdir(real.c_str(), 0700), 0);
  std::filesystem::create_directories(temporary_.path("flows"));
  ASSERT_EQ(symlink(real.c_str(), directory_.c_str()), 0);
  EXPECT_FALSE(open());
  std::filesystem::remove(directory_);
  std::ofstream(directory_) << "a file";
  EXPECT_FALSE(open());
}

TEST_F(FileStoreTest, FilesThatOthersMayReadOrWriteAreReplaced) {
  for (const char* name : {"flows", "kept"}) {
    for (const mode_t mode : {0640U, 0602U}) {
      fill();
      ASSERT_EQ(chmod(file(name).c_str(), mode), 0);
      expect_files_anew("is not a file of this user's with mode 0600");
      EXPECT_EQ(mode_of(file(name)), 0600u);
    }
  }
}

TEST_F(FileStoreTest, LinksAreReplacedAndNotFollowed) {
  const std::string elsewhere = temporary_.path("elsewhere");
  for (const char* name : {"flows", "kept"}) {
    fill();
    std::filesystem::rename(file(name), elsewhere);
    ASSERT_EQ(symlink(elsewhere.c_str(), file(name).c_str()), 0);
    expect_files_anew("cannot open");
    EXPECT_FALSE(std::filesystem::is_symlink(file(name)));
    EXPECT_TRUE(std::filesystem::exists(elsewhere));
  }
}

TEST_F(FileStoreTest, FilesOfAWrongSizeAreReplaced) {
  for (const char* name : {"flows", "kept"}) {
    const off_t sizes[] = {0, 100, 4097};
    for (const off_t size : sizes) {
      fill();
      ASSERT_EQ(truncate(file(name).c_str(), size), 0);
      expect_files_anew("has a wrong size");
    }
  }
  fill();
  ASSERT_EQ(truncate(file("flows").c_str(), 19 * 64), 0);
  expect_files_anew("fewer buckets than its description says");
}

TEST_F(FileStoreTest, WhatAnInterruptedStartHasLeftIsNoObstacle) {
  fill();
  std::ofstream(file("flows.new")) << "half";
  std::ofstream(file("kept.new")) << "half";
  auto store = open();
  ASSERT_TRUE(store);
  const auto flows = FlowStore::open(*store, wanted());
  ASSERT_TRUE(flows) << flows.error().message;
  EXPECT_TRUE(flows->adopted());
}

TEST_F(FileStoreTest, AStartThatFailsLeavesTheFilesOfTheLastOne) {
  fill();
  const auto inode = [&](const char* name) {
    struct stat facts {};
    EXPECT_EQ(lstat(file(name).c_str(), &facts), 0) << name;
    return facts.st_ino;
  };
  const std::vector<ino_t> before = {inode("flows"), inode("kept")};
  auto store = open();
  ASSERT_TRUE(store);
  {
    DeferredStore deferred(*store);
    FlowStore::Wanted other = wanted();
    other.director = "lb2";  // so that nothing is adopted
    const LogOfTest log;
    EXPECT_TRUE(FlowStore::open(deferred, other));
  }
  EXPECT_EQ((std::vector<ino_t>{inode("flows"), inode("kept")}), before);
  const std::filesystem::directory_iterator all(directory_);
  EXPECT_EQ(std::distance(begin(all), end(all)), 2) << "what was made is gone";
}

TEST_F(FileStoreTest, ATableWithoutRoomIsAnErrorAndLeavesNothing) {
  auto store = open();
  ASSERT_TRUE(store);
  // More than any file system has.
  const auto memory = store->make("flows", std::size_t{1} << 60, 64);
  ASSERT_FALSE(memory);
  EXPECT_THAT(memory.error().message, HasSubstr("lower the [capacity]"));
  EXPECT_TRUE(std::filesystem::is_empty(directory_));
}

TEST_F(FileStoreTest, RemovesADirectorsFilesAndNoOthers) {
  fill();
  const std::string flow_dir = temporary_.path("flows");
  EXPECT_FALSE(FileStore::remove_director(flow_dir, "lb2"));
  EXPECT_TRUE(std::filesystem::exists(file("kept")));
  EXPECT_TRUE(FileStore::remove_director(flow_dir, "lb1"));
  EXPECT_FALSE(std::filesystem::exists(directory_));
  EXPECT_FALSE(FileStore::remove_director(flow_dir, "lb1"));
}

}  // namespace
}  // namespace guideway::datapath
