// SPDX-License-Identifier: Apache-2.0
#include "tests/packet/all_cases.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <utility>

#include "tests/packet/report.h"
#include "tests/packet/run_case.h"

namespace guideway::test {
namespace {

/// GUIDEWAY_PACKET_CASES, _ORACLE and _CAPTURES come from the build file.
const ReportPlaces kPlaces{GUIDEWAY_PACKET_CAPTURES, GUIDEWAY_PACKET_ORACLE};

class CaseTest : public testing::Test {
 public:
  CaseTest(Driver& driver, std::string driver_name, std::shared_ptr<const CaseFile> file,
           const PacketCase& each)
      : driver_(driver),
        driver_name_(std::move(driver_name)),
        file_(std::move(file)),
        case_(each) {}

  void TestBody() override {
    const Result<CaseResult> result = run_case(driver_, *file_, case_);
    ASSERT_TRUE(result) << case_.topic << ": " << case_.name << ": " << result.error().message;
    if (!result->differences.empty()) {
      FAIL() << report_failure(kPlaces, driver_name_, case_, *result);
    }
  }

 private:
  Driver& driver_;
  std::string driver_name_;
  std::shared_ptr<const CaseFile> file_;
  const PacketCase& case_;
};

/// The case's name in letters that a --gtest_filter can hold.
std::string test_name(std::string name) {
  for (char& c : name) {
    if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
  }
  return name;
}

void register_case(Driver& driver, const std::string& driver_name,
                   const std::shared_ptr<const CaseFile>& file, const PacketCase& each) {
  testing::RegisterTest((driver_name + "_" + each.topic).c_str(), test_name(each.name).c_str(),
                        nullptr, nullptr, __FILE__, __LINE__,
                        [&driver, driver_name, file, &each]() -> CaseTest* {
                          return new CaseTest(driver, driver_name, file, each);
                        });
}

std::vector<std::filesystem::path> case_files() {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(GUIDEWAY_PACKET_CASES)) {
    if (entry.path().extension() == ".json") paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

}  // namespace

bool register_all_cases(Driver& driver, const std::string& driver_name) {
  const auto paths = case_files();
  unsigned cannot_reach = 0;
  for (const auto& path : paths) {
    Result<CaseFile> loaded = load_case_file(path);
    if (!loaded) {
      std::fprintf(stderr, "%s\n", loaded.error().message.c_str());
      return false;
    }
    const auto file = std::make_shared<const CaseFile>(std::move(*loaded));
    for (const PacketCase& each : file->cases) {
      if (driver.can_receive(each.packet))
        register_case(driver, driver_name, file, each);
      else
        cannot_reach++;
    }
  }
  if (cannot_reach != 0)
    std::printf("%u cases are not for %s: such frames cannot reach it\n", cannot_reach,
                driver_name.c_str());
  return !paths.empty();
}

}  // namespace guideway::test
