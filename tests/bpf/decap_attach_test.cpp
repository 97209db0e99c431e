// SPDX-License-Identifier: Apache-2.0
// Attaching the decapsulator: one step, never over a foreign program, one sentence for each
// refusal. The test program moves into network and mount namespaces of its own; nothing of it is
// left when it ends, however it ends.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>

#include "decap_run.h"
#include "guideway/bpf/libbpf_log.h"
#include "guideway/decap/attachment.h"
#include "guideway/decap/host.h"
#include "tests/support/eventually.h"

namespace guideway::decap::test {

/// rejected.bpf.c, compiled.
extern const std::span<const unsigned char> kRejectedObject;

namespace {

using testing::AllOf;
using testing::HasSubstr;

constexpr const char* kFolder = "/run/bpf/dev0";

void sh(const std::string& command) {
  ASSERT_EQ(std::system(command.c_str()), 0) << command;  // NOLINT(cert-env33-c)
}

std::uint32_t program_on(const char* device) {
  bpf_xdp_query_opts facts{};
  facts.sz = sizeof facts;
  return bpf_xdp_query(static_cast<int>(if_nametoindex(device)), 0, &facts) == 0 ? facts.prog_id
                                                                                 : 0;
}

class Attach : public testing::Test {
 protected:
  void SetUp() override {
    sh("ip link add dev0 type veth peer name dev1");
    sh("ip address add 10.0.0.11/24 brd + dev dev0 && ip link set dev0 up && ip link set dev1 up");
  }
  void TearDown() override {
    sh("ip link delete dev0 2>/dev/null || true");
    std::filesystem::remove_all("/run/bpf/dev0");
  }
  Result<Attached> attach(Mode mode = Mode::kAuto) {
    return decap::attach(place_, settings_, mode);
  }
  std::string refusal(Mode mode = Mode::kAuto) {
    const auto attached = attach(mode);
    return attached ? "attached" : attached.error().message;
  }

  Place place_{"dev0", kFolder};
  Settings settings_ = test_settings();
};

TEST_F(Attach, StaysWithoutAProcessUntilItIsDetached) {
  const auto attached = attach();
  ASSERT_TRUE(attached) << attached.error().message;
  EXPECT_EQ(attached->mode, Mode::kNative);
  EXPECT_FALSE(attached->replaced);
  EXPECT_NE(program_on("dev0"), 0U);

  const auto shown = status(place_);
  ASSERT_TRUE(shown && *shown);
  EXPECT_EQ((*shown)->settings.from, settings_.from);
  EXPECT_EQ((*shown)->program_id, program_on("dev0"));

  const auto detached = detach(place_);
  ASSERT_TRUE(detached) << detached.error().message;
  EXPECT_TRUE(*detached);
  EXPECT_EQ(program_on("dev0"), 0U);
  EXPECT_FALSE(std::filesystem::exists(kFolder));
  EXPECT_FALSE(*detach(place_));
  EXPECT_FALSE(status(place_)->has_value());
}

TEST_F(Attach, AgainReplacesEverythingButTheCounters) {
  ASSERT_TRUE(attach(Mode::kGeneric));
  const std::uint32_t first = program_on("dev0");
  // Packets from the other end, of which each is counted by something.
  sh("ip address add 10.0.0.12/24 dev dev1 && ping -c 3 -i 0.01 -W 0.01 -I dev1 10.0.0.99"
     " >/dev/null || true");
  const auto before = status(place_);
  ASSERT_TRUE(before && *before);
  const std::uint64_t seen = (*before)->packets[1];
  ASSERT_GT(seen, 0U);

  settings_.from = {*parse_prefix("192.0.2.0/24")};
  settings_.vips.push_back(*parse_prefix("203.0.113.64/26"));
  settings_.tunnels.vxlan = false;
  const auto attached = attach();
  ASSERT_TRUE(attached) << attached.error().message;
  EXPECT_TRUE(attached->replaced);
  EXPECT_EQ(attached->mode, Mode::kGeneric);
  EXPECT_NE(program_on("dev0"), first);
  const auto after = status(place_);
  ASSERT_TRUE(after && *after);
  EXPECT_EQ((*after)->settings.from, settings_.from);
  EXPECT_EQ((*after)->settings.vips.size(), 3U);
  EXPECT_FALSE((*after)->settings.tunnels.vxlan);
  EXPECT_GE((*after)->packets[1], seen);
}

TEST_F(Attach, TheModeIsNotChangedUnderWay) {
  ASSERT_TRUE(attach(Mode::kGeneric));
  EXPECT_THAT(refusal(Mode::kNative), AllOf(HasSubstr("generic"), HasSubstr("detach it before")));
}

TEST_F(Attach, AForeignProgramIsLeftAlone) {
  const Runner foreign;  // ours by its name, but nobody's pin
  ASSERT_EQ(bpf_xdp_attach(static_cast<int>(if_nametoindex("dev0")), foreign.program(), 0, nullptr),
            0);
  const std::uint32_t there = program_on("dev0");
  EXPECT_THAT(refusal(), HasSubstr("not pinned"));
  bpf_insn pass[] = {{.code = 0xb7, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = XDP_PASS},
                     {.code = 0x95, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0}};
  const base::FileDescriptor other(
      bpf_prog_load(BPF_PROG_TYPE_XDP, "somebody", "GPL", pass, 2, nullptr));
  ASSERT_TRUE(other);
  ASSERT_EQ(bpf_xdp_attach(static_cast<int>(if_nametoindex("dev0")), other.get(), 0, nullptr), 0);
  EXPECT_NE(program_on("dev0"), there);
  EXPECT_THAT(refusal(),
              AllOf(HasSubstr("foreign"), HasSubstr("somebody"), HasSubstr("left alone")));
  EXPECT_THAT(detach(place_).error().message, HasSubstr("foreign"));
  EXPECT_THAT(status(place_).error().message, HasSubstr("foreign"));
  EXPECT_NE(program_on("dev0"), 0U);
}

TEST_F(Attach, AnMtuThatIsTooLargeForNativeModeMakesItGenericAndSaysSo) {
  sh("ip link set dev0 mtu 9000 && ip link set dev1 mtu 9000");
  EXPECT_THAT(refusal(Mode::kNative), AllOf(HasSubstr("MTU is 9000"), HasSubstr("--mode generic")));
  const auto attached = attach();
  ASSERT_TRUE(attached) << attached.error().message;
  EXPECT_EQ(attached->mode, Mode::kGeneric);
  EXPECT_THAT(attached->remark, AllOf(HasSubstr("MTU is 9000"), HasSubstr("generic mode is used")));
}

TEST_F(Attach, ADeviceThatIsGoneLeavesAPinThatIsInNobodysWay) {
  ASSERT_TRUE(attach());
  sh("ip link delete dev0");
  SetUp();
  EXPECT_FALSE(status(place_)->has_value());
  const auto attached = attach();
  ASSERT_TRUE(attached) << attached.error().message;
  EXPECT_FALSE(attached->replaced);
}

TEST_F(Attach, AnotherDevicesPinIsRefused) {
  ASSERT_TRUE(attach());
  place_.device = "dev1";
  EXPECT_THAT(refusal(), HasSubstr("--pin-dir"));
  EXPECT_THAT(detach(place_).error().message, HasSubstr("another device"));
  EXPECT_NE(program_on("dev0"), 0U);
}

TEST_F(Attach, APinThatIsNoLinkIsRefused) {
  // A per-CPU array: its type has the number that XDP's links have.
  const base::FileDescriptor map(
      bpf_map_create(BPF_MAP_TYPE_PERCPU_ARRAY, "foreign", 4, 8, 1, nullptr));
  ASSERT_EQ(mkdir(kFolder, 0700), 0);
  ASSERT_EQ(bpf_obj_pin(map.get(), (std::string(kFolder) + "/link").c_str()), 0);
  EXPECT_THAT(refusal(), HasSubstr("not a link"));
  EXPECT_EQ(program_on("dev0"), 0U);
}

TEST_F(Attach, AFolderThatOthersCanWriteToIsRefused) {
  ASSERT_EQ(mkdir(kFolder, 0700), 0);
  ASSERT_EQ(chmod(kFolder, 0777), 0);
  EXPECT_THAT(refusal(), HasSubstr("changed by others"));
}

TEST_F(Attach, AFolderThatOthersCanExchangeIsRefused) {
  ASSERT_TRUE(attach());
  ASSERT_EQ(chmod("/run/bpf", 01777), 0);
  EXPECT_THAT(refusal(), HasSubstr("/run/bpf can be changed by others"));
  EXPECT_THAT(detach(place_).error().message, HasSubstr("/run/bpf can be changed by others"));
  EXPECT_THAT(status(place_).error().message, HasSubstr("/run/bpf can be changed by others"));
  ASSERT_EQ(chmod("/run/bpf", 0700), 0);
  EXPECT_TRUE(*detach(place_));
}

/// Whether somebody waits for the folder's lock.
bool is_waited_for() {
  std::ifstream locks("/proc/locks");
  struct stat facts {};
  if (stat(kFolder, &facts) != 0) return false;
  const std::string inode = ":" + std::to_string(facts.st_ino) + " ";
  for (std::string line; std::getline(locks, line);)
    if (line.find("-> FLOCK") != std::string::npos && line.find(inode) != std::string::npos)
      return true;
  return false;
}

TEST_F(Attach, TwoAtOnceGoOneAfterTheOther) {
  ASSERT_EQ(mkdir(kFolder, 0700), 0);
  base::FileDescriptor first = lock_pin_folder(kFolder);  // finds nothing attached
  ASSERT_TRUE(first);
  auto second = std::async(std::launch::async, [&] { return attach(); });
  auto third = std::async(std::launch::async, [&] { return attach(); });
  EXPECT_TRUE(guideway::test::eventually(is_waited_for));
  EXPECT_EQ(program_on("dev0"), 0U) << "it would take the first one's pin away";
  first.reset();
  const auto one = second.get();
  const auto other = third.get();
  ASSERT_TRUE(one && other);
  EXPECT_NE(one->replaced, other->replaced);
  EXPECT_NE(program_on("dev0"), 0U);
  EXPECT_TRUE(status(place_)->has_value());
}

TEST_F(Attach, AFolderThatDetachingRemovesIsMadeAgain) {
  ASSERT_EQ(mkdir(kFolder, 0700), 0);
  base::FileDescriptor detaching = lock_pin_folder(kFolder);
  auto next = std::async(std::launch::async, [&] { return attach(); });
  EXPECT_TRUE(guideway::test::eventually(is_waited_for));
  ASSERT_EQ(rmdir(kFolder), 0);
  detaching.reset();
  const auto attached = next.get();
  EXPECT_TRUE(attached) << attached.error().message;
}

TEST_F(Attach, WithoutABpfFileSystemItSaysHowToMountOne) {
  place_.pin_folder = "/run/elsewhere/dev0";
  EXPECT_THAT(refusal(), HasSubstr("mount -t bpf -o mode=0700 bpf /run/elsewhere"));
  EXPECT_FALSE(std::filesystem::exists("/run/elsewhere"));
  const std::string message = refusal();
  const auto begin = message.find('`') + 1;
  sh(message.substr(begin, message.find('`', begin) - begin));
  EXPECT_EQ(refusal(), "attached");
  EXPECT_TRUE(*detach(place_));
  sh("umount /run/elsewhere && rmdir /run/elsewhere");
}

TEST_F(Attach, WithoutPermissionItSaysWhichIsMissing) {
  ASSERT_EQ(mkdir(kFolder, 0700), 0);
  ASSERT_EQ(chown(kFolder, 65534, 65534), 0);
  ASSERT_EQ(chmod("/run/bpf", 0755), 0);
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const pid_t child = fork();
  if (child == 0) {
    if (setresgid(65534, 65534, 65534) != 0 || setresuid(65534, 65534, 65534) != 0) _exit(1);
    const std::string said = refusal();
    _exit(write(ends[1], said.data(), said.size()) == static_cast<ssize_t>(said.size()) ? 0 : 1);
  }
  close(ends[1]);
  std::string said(4096, '\0');
  const ssize_t size = read(ends[0], said.data(), said.size());
  close(ends[0]);
  int code = -1;
  waitpid(child, &code, 0);
  ASSERT_EQ(chmod("/run/bpf", 0700), 0);
  ASSERT_EQ(code, 0);
  said.resize(static_cast<std::size_t>(size));
  EXPECT_THAT(said, AllOf(HasSubstr("no permission"), HasSubstr("CAP_BPF")));
}

TEST_F(Attach, NoSuchDevice) {
  place_.device = "dev7";
  EXPECT_THAT(refusal(), AllOf(HasSubstr("dev7"), HasSubstr("ip link")));
}

TEST_F(Attach, SettingsThatMakeNoSenseAreRefusedBeforeAnythingHappens) {
  settings_.local.clear();
  EXPECT_THAT(refusal(), HasSubstr("--local"));
  settings_ = test_settings();
  settings_.gue_port = settings_.vxlan_port;
  EXPECT_THAT(refusal(), HasSubstr("same port 4789"));
  EXPECT_FALSE(std::filesystem::exists(kFolder));
}

TEST_F(Attach, AddressesAreTheDevicesAndTheHosts) {
  sh("ip link set lo up && ip address add 203.0.113.10/32 dev lo");
  const auto device = find_device("dev0");
  ASSERT_TRUE(device);
  const auto addresses = read_addresses(*device);
  ASSERT_TRUE(addresses);
  const auto has = [](const std::vector<IpAddress>& list, const char* address) {
    return std::find(list.begin(), list.end(), *IpAddress::parse(address)) != list.end();
  };
  EXPECT_TRUE(has(addresses->device, "10.0.0.11"));
  EXPECT_FALSE(has(addresses->device, "203.0.113.10"));
  for (const char* address : {"10.0.0.11", "10.0.0.255", "203.0.113.10", "127.0.0.1"})
    EXPECT_TRUE(has(addresses->all, address)) << address;
}

TEST(Load, AProgramThatTheVerifierRefusesIsReportedWithItsLastLines) {
  const auto program = Program::load(test_settings(), -1, kRejectedObject);
  ASSERT_FALSE(program);
  EXPECT_THAT(program.error().message,
              AllOf(HasSubstr("refused the program"), HasSubstr("invalid access to packet")));
  const auto lines =
      std::count(program.error().message.begin(), program.error().message.end(), '\n');
  EXPECT_LE(lines, 13);
}

TEST(Load, TheLastLinesAreTheVerifiersOwn) {
  EXPECT_EQ(bpf::last_lines("one\ntwo\nthree\n", 2), "two\nthree");
  EXPECT_EQ(bpf::last_lines("one\ntwo\n", 9), "one\ntwo");
  EXPECT_EQ(bpf::last_lines("", 3), "");
  EXPECT_EQ(bpf::last_lines("a\nb\nlibbpf: -- END PROG LOAD LOG --\nlibbpf: failed\n", 1), "b");
}

}  // namespace
}  // namespace guideway::decap::test

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  const bool ready = unshare(CLONE_NEWNET | CLONE_NEWNS) == 0 &&
                     mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                     mount("tmpfs", "/run", "tmpfs", 0, nullptr) == 0 &&
                     mkdir("/run/bpf", 0755) == 0 &&
                     mount("bpf", "/run/bpf", "bpf", 0, "mode=0700") == 0;
  if (!ready) {
    std::perror("cannot make namespaces and a BPF file system in them; run this test as root");
    return 1;
  }
  return RUN_ALL_TESTS();
}
