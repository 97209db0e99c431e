// SPDX-License-Identifier: Apache-2.0
#include "tests/packet/report.h"

#include <array>
#include <cctype>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>

namespace guideway::test {
namespace {

/// The name as part of a file name.
std::string plain(std::string name) {
  for (char& c : name) {
    if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
  }
  return name;
}

void put32(std::ofstream& file, std::uint32_t value) {
  const std::array<char, 4> bytes{static_cast<char>(value), static_cast<char>(value >> 8),
                                  static_cast<char>(value >> 16), static_cast<char>(value >> 24)};
  file.write(bytes.data(), bytes.size());
}

/// The classic format of libpcap, link type Ethernet. The packets' times are their numbers.
void write_pcap(const std::string& path, std::initializer_list<const Bytes*> packets) {
  std::ofstream file(path, std::ios::binary);
  for (const std::uint32_t word : {0xa1b2c3d4u, 0x00040002u, 0u, 0u, 0x40000u, 1u}) {
    put32(file, word);
  }
  std::uint32_t time_s = 0;
  for (const Bytes* packet : packets) {
    const auto size = static_cast<std::uint32_t>(packet->size());
    for (const std::uint32_t word : {++time_s, 0u, size, size}) put32(file, word);
    file.write(reinterpret_cast<const char*>(packet->data()), static_cast<std::streamsize>(size));
  }
}

std::string output_of(const std::string& command) {
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  if (!pipe) return "cannot run " + command;
  std::string output;
  std::array<char, 4096> buffer{};
  while (const std::size_t got = fread(buffer.data(), 1, buffer.size(), pipe.get())) {
    output.append(buffer.data(), got);
  }
  return output;
}

}  // namespace

std::string report_failure(const ReportPlaces& places, const std::string& driver,
                           const PacketCase& each, const CaseResult& result) {
  std::string text = each.topic + ": " + each.name + "\n";
  for (const std::string& difference : result.differences) text += "  " + difference + "\n";
  std::filesystem::create_directories(places.folder);
  const std::string path =
      places.folder + "/" + driver + "-" + plain(each.topic + "-" + each.name) + ".pcap";
  const Bytes expected = each.expect.bytes.value_or(Bytes{});
  write_pcap(path, {&each.packet, &expected, &result.sent.bytes});
  text += "  the packet, what was expected, what came: " + path + "\n";
  if (each.expect.bytes && !result.sent.bytes.empty() && expected != result.sent.bytes) {
    text += output_of(places.oracle + " --diff " + hex_of(expected) + " " +
                      hex_of(result.sent.bytes) + " 2>&1");
  }
  return text;
}

}  // namespace guideway::test
