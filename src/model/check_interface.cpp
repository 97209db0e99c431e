// SPDX-License-Identifier: Apache-2.0
// The rules of [[interface]].
#include <algorithm>
#include <map>
#include <optional>

#include "checks.h"
#include "guideway/base/text.h"

namespace guideway::model {
namespace {

constexpr std::string_view kPci = "pci:";
constexpr std::string_view kVdev = "vdev:";

bool is_hex(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
  });
}

/// "0000:3b:00.0": domain, bus, device below 0x20, function below 8.
bool is_pci_address(std::string_view text) {
  return text.size() == 12 && text[4] == ':' && text[7] == ':' && text[10] == '.' &&
         is_hex(text.substr(0, 4)) && is_hex(text.substr(5, 2)) && is_hex(text.substr(8, 2)) &&
         (text[8] == '0' || text[8] == '1') && text[11] >= '0' && text[11] <= '7';
}

/// "net_tap0,iface=x": a network driver's name, then its arguments.
bool is_virtual_device(std::string_view text) {
  const std::string_view name = text.substr(0, text.find(','));
  const bool visible =
      std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
  return visible && name.starts_with("net_") && name.size() > 4;
}

/// What the kernel takes as the name of an interface.
bool is_kernel_interface(std::string_view text) {
  const auto allowed = [](char c) { return c > ' ' && c < 0x7f && c != '/' && c != ':'; };
  return !text.empty() && text.size() <= kMaxKernelInterfaceSize && text != "." && text != ".." &&
         std::all_of(text.begin(), text.end(), allowed);
}

/// What is wrong with the name itself; none: nothing.
std::optional<std::string> not_a_device(std::string_view device) {
  if (device.starts_with(kPci)) {
    if (is_pci_address(device.substr(kPci.size()))) return std::nullopt;
    return base::quoted(device) + " is not a PCI address: write it like \"pci:0000:3b:00.0\"";
  }
  if (device.starts_with(kVdev)) {
    if (is_virtual_device(device.substr(kVdev.size()))) return std::nullopt;
    return base::quoted(device) +
           " is not a DPDK virtual device: write it like \"vdev:net_tap0,iface=cable0\", without "
           "spaces";
  }
  if (is_kernel_interface(device)) return std::nullopt;
  return base::quoted(device) +
         " is not a device: allowed are \"pci:DDDD:BB:DD.F\", \"vdev:net_…\" and the name of a "
         "kernel interface";
}

/// Each datapath drives one sort of device; "auto" takes either, but not both at once.
void check_datapath(Problems& problems, const std::string& path, const Interface& interface,
                    DatapathKind datapath, bool first_is_kernel) {
  const bool kernel = is_kernel_device(interface.device);
  const char* wants = datapath == DatapathKind::kDpdk ? "\"dpdk\"" : "\"afxdp\" and \"xdp\"";
  if (datapath == DatapathKind::kAuto) {
    if (kernel != first_is_kernel) {
      problems.add(path + ".device",
                   base::quoted(interface.device) +
                       " and interface[0].device are of different sorts: all must be kernel "
                       "interfaces, or all PCI or virtual devices");
    }
  } else if (kernel && datapath == DatapathKind::kDpdk) {
    problems.add(path + ".device",
                 base::quoted(interface.device) +
                     " is a kernel interface: the datapaths \"afxdp\" and \"xdp\" are for those; " +
                     "\"dpdk\" needs \"pci:DDDD:BB:DD.F\" or \"vdev:net_…\"",
                 "director.datapath");
  } else if (!kernel && datapath != DatapathKind::kDpdk) {
    problems.add(path + ".device",
                 base::quoted(interface.device) + " is not a kernel interface: the datapaths " +
                     wants + " need one, such as \"eth1\"; \"dpdk\" takes PCI and virtual devices",
                 "director.datapath");
  }
  if (kernel && !interface.addresses.empty()) {
    problems.add(path + ".addresses",
                 "a kernel interface keeps the addresses that it has: give them to it with `ip "
                 "addr add`, and leave this key out");
  }
  if (!kernel && interface.replace_program) {
    problems.add(path + ".replace_program", "only a kernel interface can have an XDP program");
  }
  if (kernel && interface.take_default_route) {
    problems.add(path + ".take_default_route",
                 "only a PCI or virtual device takes packets away from the kernel; of a kernel "
                 "interface it keeps what is for no service");
  }
}

}  // namespace

bool is_kernel_device(std::string_view device) {
  return !device.starts_with(kPci) && !device.starts_with(kVdev);
}

void check_interfaces(Problems& problems, const Model& model) {
  if (model.interfaces.empty()) {
    problems.add("interface", "there is none: at least one [[interface]] is needed");
  }
  UniqueNames names;
  std::map<std::string, std::string> devices;
  std::map<IpAddress, std::string> addresses;
  for (std::size_t i = 0; i < model.interfaces.size(); ++i) {
    const Interface& interface = model.interfaces[i];
    const std::string path = element("interface", i);
    problems.check_name(path + ".name", interface.name, kMaxInterfaceNameSize);
    names.check(problems, path + ".name", interface.name);

    const std::string device_path = path + ".device";
    if (const auto reason = not_a_device(interface.device)) {
      problems.add(device_path, *reason);
    } else {
      check_datapath(problems, path, interface, model.director.datapath,
                     is_kernel_device(model.interfaces.front().device));
    }
    const auto [device, new_device] = devices.emplace(interface.device, device_path);
    if (!new_device && !interface.device.empty()) {
      problems.add(device_path,
                   base::quoted(interface.device) + " is also " + device->second +
                       ": each interface needs a device of its own",
                   device->second);
    }
    for (std::size_t j = 0; j < interface.addresses.size(); ++j) {
      const IpAddress& address = interface.addresses[j].address;
      const std::string address_path = element(path + ".addresses", j);
      if (const auto reason = unusable(address)) {
        problems.add(address_path, *reason);
        continue;
      }
      const auto [first, new_address] = addresses.emplace(address, address_path);
      if (!new_address) {
        problems.add(address_path,
                     address.to_string() + " is also " + first->second + ": name each address once",
                     first->second);
      }
    }
  }
}

}  // namespace guideway::model
