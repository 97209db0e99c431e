// SPDX-License-Identifier: Apache-2.0
// The core, compiled for BPF, passes the kernel's verifier, with tables of real sizes.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>

namespace {

std::string object_path;  // NOLINT: set once by main
std::string libbpf_log;   // NOLINT: filled by libbpf's print hook

int collect_log(enum libbpf_print_level level, const char* format, va_list arguments) {
  if (level == LIBBPF_DEBUG) return 0;
  char* line = nullptr;
  if (vasprintf(&line, format, arguments) < 0) return 0;
  libbpf_log += line;
  std::free(line);
  return 0;
}

// The program's read-only data, as bpf/port_bpf.h declares it.
struct Limits {
  std::uint32_t services, pools, slot_lines, backends, buckets_per_shard, shards;
};

constexpr std::uint32_t kCopies = 4;

struct ObjectCloser {
  void operator()(bpf_object* object) const { bpf_object__close(object); }
};

class Verifier : public testing::TestWithParam<std::uint32_t> {};

void set_entries(bpf_object* object, const char* name, std::uint32_t entries) {
  bpf_map* map = bpf_object__find_map_by_name(object, name);
  ASSERT_NE(map, nullptr) << name;
  ASSERT_EQ(bpf_map__set_max_entries(map, entries), 0) << name;
}

void set_limits(bpf_object* object, const Limits& limits) {
  bpf_map* read_only = nullptr;
  bpf_map* map = nullptr;
  bpf_object__for_each_map(map, object) {
    if (std::string(bpf_map__name(map)).ends_with(".rodata")) read_only = map;
  }
  ASSERT_NE(read_only, nullptr);
  std::size_t size = 0;
  const void* value = bpf_map__initial_value(read_only, &size);
  ASSERT_GE(size, sizeof limits);
  std::string bytes(static_cast<const char*>(value), size);
  std::memcpy(bytes.data(), &limits, sizeof limits);
  ASSERT_EQ(bpf_map__set_initial_value(read_only, bytes.data(), size), 0);
}

TEST_P(Verifier, AcceptsTheBalancer) {
  std::unique_ptr<bpf_object, ObjectCloser> object(
      bpf_object__open_file(object_path.c_str(), nullptr));
  ASSERT_NE(object, nullptr) << libbpf_log;
  const Limits limits{8192, 256, 65536, 4096, 1024, GetParam()};
  set_limits(object.get(), limits);
  set_entries(object.get(), "gw_services", kCopies * limits.services);
  set_entries(object.get(), "gw_pools", kCopies * limits.pools);
  set_entries(object.get(), "gw_slots", kCopies * limits.slot_lines);
  set_entries(object.get(), "gw_backends", kCopies * limits.backends);
  set_entries(object.get(), "gw_buckets", limits.shards * limits.buckets_per_shard);
  set_entries(object.get(), "gw_backend_traffic", limits.backends);
  set_entries(object.get(), "gw_service_traffic", limits.services);

  ASSERT_EQ(bpf_object__load(object.get()), 0)
      << "errno " << errno << "\n"
      << libbpf_log.substr(libbpf_log.size() > 4000 ? libbpf_log.size() - 4000 : 0);

  bpf_program* program = bpf_object__find_program_by_name(object.get(), "xsk_def_prog");
  ASSERT_NE(program, nullptr);
  bpf_prog_info info{};
  std::uint32_t length = sizeof info;
  ASSERT_EQ(bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &length), 0);
  std::printf("balancer, %u shards: %u instructions, %u walked by the verifier\n", GetParam(),
              info.xlated_prog_len / 8, info.verified_insns);
  RecordProperty("verified_instructions", std::to_string(info.verified_insns));
  EXPECT_GT(info.xlated_prog_len / 8, 1000U) << "most of the core was removed as dead code";
  EXPECT_LT(info.verified_insns, 800'000U) << "too near to the kernel's limit of one million";
}

INSTANTIATE_TEST_SUITE_P(Shards, Verifier, testing::Values(1U, 2U, 16U, 64U));

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (argc != 2) {
    std::fprintf(stderr, "usage: verifier_test balancer.bpf.o\n");
    return 2;
  }
  object_path = argv[1];
  libbpf_set_print(collect_log);
  return RUN_ALL_TESTS();
}
