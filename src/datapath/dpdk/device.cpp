// SPDX-License-Identifier: Apache-2.0
#include "guideway/datapath/dpdk/device.h"

#include <filesystem>

namespace guideway::datapath::dpdk {
namespace {

namespace fs = std::filesystem;

bool starts_with(const std::string& text, const char* prefix) { return text.rfind(prefix, 0) == 0; }

std::string pci_path(const std::string& address) { return "/sys/bus/pci/devices/" + address; }

}  // namespace

Result<Device> parse_device(const std::string& interface, const std::string& text) {
  const bool pci = starts_with(text, "pci:");
  if (!pci && !starts_with(text, "vdev:")) {
    return base::fail("interface " + interface + ": " + text +
                      " is a kernel interface, and the dpdk datapath drives only \"pci:…\" and "
                      "\"vdev:net_…\"; the datapaths afxdp and xdp are for those");
  }
  Device device;
  device.bus = pci ? Device::Bus::kPci : Device::Bus::kVdev;
  const std::string rest = text.substr(text.find(':') + 1);
  const auto comma = rest.find(',');
  device.name = rest.substr(0, comma);
  if (comma != std::string::npos) device.arguments = rest.substr(comma + 1);
  if (device.name.empty()) {
    return base::fail("interface " + interface + ": the device string \"" + text +
                      "\" names no device; write \"pci:0000:3b:00.0\" or "
                      "\"vdev:net_tap0,iface=nic0\"");
  }
  if (pci && !fs::exists(pci_path(device.name))) {
    return base::fail("interface " + interface + ": there is no PCI device " + device.name +
                      "; `lspci -D` lists them");
  }
  return device;
}

std::string kernel_driver_of(const Device& device) {
  if (device.bus != Device::Bus::kPci) return {};
  std::error_code ignored;
  return fs::read_symlink(pci_path(device.name) + "/driver", ignored).filename();
}

}  // namespace guideway::datapath::dpdk
