// SPDX-License-Identifier: Apache-2.0
// The pin directory and a program on a device, on a real kernel, in namespaces of its own.
#include "guideway/datapath/xdp/attachment.h"

#include <bpf/libbpf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/if_link.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <string>
#include <thread>

#include "tests/bpf/own_namespaces.h"

namespace guideway::datapath::xdp {
namespace {

using test::add_veth;
using test::foreign_program;
using test::shell;
using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

const std::string kPins = test::kOwnFolder + "/bpf";
constexpr const char* kDevice = "gwtest0";

std::uint32_t attached(const std::string& device = kDevice) {
  const auto facts = look_at("wan", device);
  std::uint32_t id = 0;
  if (!facts || bpf_xdp_query_id(facts->index, 0, &id) != 0) return 0;
  return id;
}

std::uint32_t id_of(int program) {
  bpf_prog_info info{};
  std::uint32_t length = sizeof info;
  return bpf_obj_get_info_by_fd(program, &info, &length) == 0 ? info.id : 0;
}

class PinDirTest : public testing::Test {
 protected:
  void TearDown() override {
    if (auto pins = PinDir::find(kPins, "lb.1")) pins->remove_all();
    rmdir((kPins + "/lb%2E1").c_str());
  }
};

TEST_F(PinDirTest, DotsInNamesAreWrittenOut) {
  const auto pins = PinDir::open(kPins, "lb.1");
  ASSERT_TRUE(pins) << pins.error().message;
  EXPECT_EQ(pins->path(), kPins + "/lb%2E1");
  const auto program = foreign_program("pinned");
  const auto put = pins->put(program.get(), "link-eth0.100");
  ASSERT_TRUE(put) << put.error().message;
  EXPECT_THAT(pins->names(), testing::ElementsAre("link-eth0%2E100"));
  const auto got = pins->get("link-eth0.100");
  ASSERT_TRUE(got);
  EXPECT_EQ(id_of(got->get()), id_of(program.get()));
  const auto missing = pins->get("link-eth0.200");
  ASSERT_TRUE(missing);
  EXPECT_FALSE(*missing);
}

TEST_F(PinDirTest, BelongsToOneDaemonAtATime) {
  {
    const auto first = PinDir::open(kPins, "lb.1");
    ASSERT_TRUE(first) << first.error().message;
    const auto second = PinDir::open(kPins, "lb.1");
    ASSERT_FALSE(second);
    EXPECT_THAT(second.error().message, HasSubstr("another guidewayd uses the pins"));
    const auto other = PinDir::open(kPins, "lb.2");
    ASSERT_TRUE(other) << other.error().message;
    other->remove_all();
    EXPECT_TRUE(PinDir::find(kPins, "lb.1")) << "looking is allowed";
  }
  EXPECT_TRUE(PinDir::open(kPins, "lb.1"));
}

TEST_F(PinDirTest, PutReplacesInOneStep) {
  const auto pins = PinDir::open(kPins, "lb.1");
  ASSERT_TRUE(pins) << pins.error().message;
  const auto first = foreign_program("first");
  const auto second = foreign_program("second");
  ASSERT_TRUE(pins->put(first.get(), "program"));
  ASSERT_TRUE(pins->put(second.get(), "program"));
  const auto got = pins->get("program");
  ASSERT_TRUE(got);
  EXPECT_EQ(id_of(got->get()), id_of(second.get()));
  EXPECT_THAT(pins->names(), testing::ElementsAre("program"));
}

TEST_F(PinDirTest, ADirectoryThatOthersOwnIsNotTrusted) {
  const auto pins = PinDir::open(kPins, "lb.1");
  ASSERT_TRUE(pins) << pins.error().message;
  ASSERT_EQ(chown(pins->path().c_str(), 65534, 65534), 0);
  const auto again = PinDir::find(kPins, "lb.1");
  ASSERT_FALSE(again);
  EXPECT_THAT(again.error().message, HasSubstr("not trusted"));
  ASSERT_EQ(chown(pins->path().c_str(), 0, 0), 0);
}

TEST_F(PinDirTest, ADirectoryThatOthersMayWriteIsNotTrusted) {
  const auto pins = PinDir::open(kPins, "lb.1");
  ASSERT_TRUE(pins) << pins.error().message;
  ASSERT_EQ(chmod(pins->path().c_str(), 0770), 0);
  EXPECT_FALSE(PinDir::find(kPins, "lb.1"));
  ASSERT_EQ(chmod(pins->path().c_str(), 0700), 0);
  ASSERT_EQ(chmod(kPins.c_str(), 0777), 0);
  EXPECT_FALSE(PinDir::find(kPins, "lb.1")) << "whoever may write above can put another there";
  ASSERT_EQ(chmod(kPins.c_str(), 0700), 0);
  EXPECT_TRUE(PinDir::find(kPins, "lb.1"));
}

/// What a user without privileges is told who opens pins there.
std::string refusal_of_nobody(const std::string& pin_dir) {
  const std::string said = test::kOwnFolder + "/said";
  EXPECT_TRUE(shell("touch " + said + " && chmod 0666 " + said));
  const pid_t child = fork();
  if (child == 0) {
    if (setresuid(65534, 65534, 65534) != 0) _exit(2);
    const auto pins = PinDir::open(pin_dir, "lb1");
    std::ofstream(said) << (pins ? "opened" : pins.error().message);
    _exit(pins ? 1 : 0);
  }
  int status = -1;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  std::string message;
  std::getline(std::ifstream(said), message);
  return message;
}

TEST(PinDirOfNobody, WhereNoBpfFileSystemCanBeMountedItSaysHowTo) {
  const std::string plain = test::kOwnFolder + "/plain";
  ASSERT_TRUE(shell("mkdir -m 0777 " + plain));
  const std::string message = refusal_of_nobody(plain);
  EXPECT_THAT(message, HasSubstr(plain + " is on no BPF file system"));
  const auto begin = message.find("mount -t bpf");
  const auto end = message.rfind(plain);
  ASSERT_TRUE(begin != std::string::npos && begin < end) << message;
  ASSERT_TRUE(shell(message.substr(begin, end - begin) + plain)) << message;
  {
    const auto pins = PinDir::open(plain, "lb1");
    EXPECT_TRUE(pins) << pins.error().message;
  }
  ASSERT_TRUE(shell("umount " + plain + " && rmdir " + plain));
}

class AttachmentTest : public testing::Test {
 protected:
  void SetUp() override {
    auto pins = PinDir::open(kPins, "lb1");
    ASSERT_TRUE(pins) << pins.error().message;
    pins_ = std::move(*pins);
    ASSERT_TRUE(add_veth(kDevice, "gwpeer0"));
  }
  void TearDown() override {
    shell(std::string("ip link del ") + kDevice);
    if (pins_) pins_->remove_all();
  }
  Result<Attachment> find(bool displace = false) {
    const auto facts = look_at("wan", kDevice);
    if (!facts) return tl::unexpected(facts.error());
    return Attachment::find(*pins_, kDevice, *facts, displace);
  }

  std::optional<PinDir> pins_;
  base::FileDescriptor first_ = foreign_program("first");
  base::FileDescriptor second_ = foreign_program("second");
};

TEST_F(AttachmentTest, ItStaysWhenNobodyHoldsIt) {
  {
    auto attachment = find();
    ASSERT_TRUE(attachment) << attachment.error().message;
    EXPECT_FALSE(attachment->adopted());
    ASSERT_TRUE(attachment->put(*pins_, first_.get()));
    EXPECT_EQ(attachment->mode(), "native");
  }
  EXPECT_EQ(attached(), id_of(first_.get()));
  auto again = find();
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_TRUE(again->adopted());
  EXPECT_EQ(again->mode(), "native");
  again->detach(*pins_);
  EXPECT_EQ(attached(), 0U);
  EXPECT_TRUE(pins_->names().empty());
}

TEST_F(AttachmentTest, AForeignProgramIsRefusedByName) {
  const auto foreign = foreign_program("their_filter");
  ASSERT_EQ(
      bpf_xdp_attach(look_at("wan", kDevice)->index, foreign.get(), XDP_FLAGS_DRV_MODE, nullptr),
      0);
  const auto refused = find();
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("their_filter"));
  EXPECT_THAT(refused.error().message, HasSubstr("replace_program"));
  EXPECT_EQ(attached(), id_of(foreign.get()));

  auto displacing = find(true);
  ASSERT_TRUE(displacing) << displacing.error().message;
  ASSERT_TRUE(displacing->put(*pins_, first_.get()));
  EXPECT_EQ(attached(), id_of(first_.get()));
}

TEST_F(AttachmentTest, AForeignProgramInGenericModeIsFoundAndDisplaced) {
  const auto foreign = foreign_program("their_filter");
  ASSERT_EQ(
      bpf_xdp_attach(look_at("wan", kDevice)->index, foreign.get(), XDP_FLAGS_SKB_MODE, nullptr),
      0);
  const auto refused = find();
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("xdpgeneric off"));

  auto displacing = find(true);
  ASSERT_TRUE(displacing) << displacing.error().message;
  EXPECT_EQ(attached(), id_of(foreign.get())) << "it goes only when ours is ready";
  const auto put = displacing->put(*pins_, first_.get());
  ASSERT_TRUE(put) << put.error().message;
  EXPECT_EQ(attached(), id_of(first_.get()));
  EXPECT_EQ(displacing->mode(), "native");
}

TEST_F(AttachmentTest, AForeignLinkIsDisplacedWhenAsked) {
  const auto foreign = foreign_program("their_link");
  LIBBPF_OPTS(bpf_link_create_opts, options, .flags = XDP_FLAGS_DRV_MODE);
  const base::FileDescriptor link(
      bpf_link_create(foreign.get(), look_at("wan", kDevice)->index, BPF_XDP, &options));
  ASSERT_TRUE(link);
  ASSERT_FALSE(find());
  auto displacing = find(true);
  ASSERT_TRUE(displacing) << displacing.error().message;
  ASSERT_TRUE(displacing->put(*pins_, first_.get()));
  EXPECT_EQ(attached(), id_of(first_.get()));
}

TEST_F(AttachmentTest, TooLargeAnMtuMeansGenericModeAndSaysSo) {
  ASSERT_TRUE(shell("ip link set gwtest0 mtu 9000 && ip link set gwpeer0 mtu 9000"));
  auto attachment = find();
  ASSERT_TRUE(attachment) << attachment.error().message;
  const auto put = attachment->put(*pins_, first_.get());
  ASSERT_TRUE(put) << put.error().message;
  EXPECT_THAT(attachment->mode(), StartsWith("generic: "));
  EXPECT_THAT(attachment->mode(), HasSubstr("MTU of 9000 is too large"));
  EXPECT_EQ(attached(), id_of(first_.get()));
}

TEST_F(AttachmentTest, ADriverWithoutNativeXdpIsNamed) {
  ASSERT_TRUE(shell("ip link add gwbr0 type bridge && ip link set gwbr0 up"));
  const auto facts = look_at("wan", "gwbr0");
  ASSERT_TRUE(facts) << facts.error().message;
  auto attachment = Attachment::find(*pins_, "gwbr0", *facts, false);
  ASSERT_TRUE(attachment) << attachment.error().message;
  const auto put = attachment->put(*pins_, first_.get());
  ASSERT_TRUE(put) << put.error().message;
  EXPECT_EQ(attachment->mode(), "generic: the driver bridge has no native XDP");
  EXPECT_EQ(attached("gwbr0"), id_of(first_.get()));
  attachment->detach(*pins_);
  EXPECT_TRUE(shell("ip link del gwbr0"));
}

TEST_F(AttachmentTest, AnAdoptedLinkIsNeverWithoutAProgram) {
  {
    auto attachment = find();
    ASSERT_TRUE(attachment) << attachment.error().message;
    ASSERT_TRUE(attachment->put(*pins_, first_.get()));
  }
  const std::uint32_t known[] = {id_of(first_.get()), id_of(second_.get())};
  std::atomic<bool> over{false};
  std::atomic<unsigned> samples{0};
  std::atomic<unsigned> others{0};
  std::thread sampler([&] {
    while (!over) {
      const std::uint32_t id = attached();
      if (id != known[0] && id != known[1]) others++;
      samples++;
    }
  });
  std::string problem;
  unsigned updates = 0;
  for (; problem.empty() && (updates < 100 || samples < 100); updates++) {
    auto adopting = find();
    if (!adopting || !adopting->adopted()) problem = "not adopted";
    if (problem.empty())
      if (auto put = adopting->put(*pins_, updates % 2 ? first_.get() : second_.get()); !put)
        problem = put.error().message;
  }
  over = true;
  sampler.join();
  EXPECT_EQ(problem, "");
  EXPECT_EQ(others, 0U) << "of " << samples << " samples";
}

TEST_F(AttachmentTest, APinWhoseDeviceIsGoneIsSetUpAnew) {
  {
    auto attachment = find();
    ASSERT_TRUE(attachment) << attachment.error().message;
    ASSERT_TRUE(attachment->put(*pins_, first_.get()));
  }
  ASSERT_TRUE(shell(std::string("ip link del ") + kDevice));
  ASSERT_TRUE(add_veth(kDevice, "gwpeer0"));
  auto attachment = find();
  ASSERT_TRUE(attachment) << attachment.error().message;
  EXPECT_FALSE(attachment->adopted());
  ASSERT_TRUE(attachment->put(*pins_, second_.get()));
  EXPECT_EQ(attached(), id_of(second_.get()));
}

}  // namespace
}  // namespace guideway::datapath::xdp

int main(int argc, char** argv) {
  testing::InitGoogleMock(&argc, argv);
  if (!guideway::test::enter_own_namespaces()) return 1;
  return RUN_ALL_TESTS();
}
