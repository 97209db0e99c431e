// SPDX-License-Identifier: Apache-2.0
#include "guideway/decap/attachment.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "guideway/base/file_descriptor.h"
#include "guideway/base/text.h"
#include "guideway/bpf/kernel.h"
#include "guideway/bpf/loaded.h"
#include "guideway/decap/host.h"

namespace guideway::decap {
namespace {

constexpr bpf::OldestKernel kOldestKernel = {
    5, 9, "links of XDP programs need 5.9, and 6.1 is the oldest one tested"};

using base::FileDescriptor;

/// Ours on the device.
struct Present {
  FileDescriptor link;
  FileDescriptor program;
  std::uint32_t program_id = 0;
  Mode mode = Mode::kNative;
};

std::string pin_of(const Place& place) { return place.pin_folder + "/link"; }

Mode mode_of(const bpf::DeviceProgram& program) {
  return program.generic ? Mode::kGeneric : Mode::kNative;
}

/// What is pinned at the place: no descriptor if nothing is.
Result<FileDescriptor> open_pin(const Place& place) {
  FileDescriptor pin(bpf_obj_get(pin_of(place).c_str()));
  if (!pin && errno != ENOENT && errno != ENOTDIR)
    return base::fail(
        pin_of(place) + " cannot be opened (" + std::strerror(errno) +
        "): run as root, and if it is not a pin of guideway-decap, name another --pin-dir");
  return pin;
}

tl::unexpected<Error> without_pin(const Device& device, const Place& place,
                                  const bpf::DeviceProgram& running) {
  if (running.name == kProgramName)
    return base::fail(device.name + " has a decapsulator that is not pinned in " +
                      place.pin_folder +
                      ": name the folder that it was attached with by --pin-dir");
  return base::fail(
      device.name + " has a foreign XDP program (" + base::quoted(running.name) + ", id " +
      std::to_string(running.id) +
      ") and was left alone: detach that one first, for example by `ip link set dev " +
      device.name + (running.generic ? " xdpgeneric off`" : " xdp off`"));
}

/// Ours on the device, or nothing. An error if something foreign is there, or in our pin's place.
/// A pin whose device is gone counts as nothing.
Result<std::optional<Present>> find_present(const Device& device, const Place& place) {
  auto pin = open_pin(place);
  if (!pin) return tl::unexpected(pin.error());
  if (*pin)
    if (auto trusted = trust_pin_folder(place.pin_folder); !trusted)
      return tl::unexpected(trusted.error());
  const auto running = bpf::program_on(static_cast<int>(device.index));
  if (!running) return base::fail(device.name + ": " + running.error().message);
  const auto link = *pin ? bpf::xdp_link(pin->get()) : std::nullopt;
  if (*pin && !link)
    return base::fail(pin_of(place) +
                      " is not a link of an XDP program, so it is not a pin of"
                      " guideway-decap: remove it, or name another --pin-dir");
  if (!link || link->interface_index == 0) {
    if (running->id == 0) return std::nullopt;
    return without_pin(device, place, *running);
  }
  if (link->program_id != running->id)
    return base::fail(pin_of(place) +
                      " holds the program of another device, perhaps of one in"
                      " another network namespace: name another folder by --pin-dir");
  if (running->name != kProgramName) return without_pin(device, place, *running);
  Present present{std::move(*pin), FileDescriptor(bpf_prog_get_fd_by_id(link->program_id)),
                  link->program_id, mode_of(*running)};
  if (!present.program)
    return base::fail_errno("cannot open the program attached to " + device.name, errno);
  return present;
}

std::string why_not_native(const Device& device, int error) {
  std::string why = device.name + "'s driver " + bpf::native_refusal(error);
  if (device.mtu > bpf::kUsualNativeMtu)
    why += " (its MTU is " + std::to_string(device.mtu) + ", and native mode takes about " +
           std::to_string(bpf::kUsualNativeMtu) + " at most)";
  return why;
}

tl::unexpected<Error> attach_error(const Device& device, int error) {
  if (error == EPERM)
    return base::fail("no permission to attach an XDP program to " + device.name +
                      ": run as root, or with CAP_BPF, CAP_NET_ADMIN and CAP_SYS_ADMIN");
  if (error == EBUSY || error == EEXIST)
    return base::fail(device.name +
                      " got a foreign XDP program meanwhile and was left alone:"
                      " detach that one first");
  return base::fail_errno("cannot attach to " + device.name, error);
}

/// A new link, whose program goes with it.
FileDescriptor make_link(const Device& device, const Program& program, Mode mode) {
  bpf_link_create_opts options{};
  options.sz = sizeof options;
  options.flags = mode == Mode::kNative ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE;
  return FileDescriptor(
      bpf_link_create(program.fd(), static_cast<int>(device.index), BPF_XDP, &options));
}

Result<Attached> attach_new(const Device& device, const Place& place, const Program& program,
                            Mode mode) {
  Attached attached{mode == Mode::kGeneric ? Mode::kGeneric : Mode::kNative, false, ""};
  FileDescriptor link = make_link(device, program, attached.mode);
  if (!link && attached.mode == Mode::kNative && bpf::is_of_native_mode(errno)) {
    attached.remark = why_not_native(device, errno);
    if (mode == Mode::kNative) return base::fail(attached.remark + ": use --mode generic, or auto");
    attached.remark += ", so generic mode is used";
    attached.mode = Mode::kGeneric;
    link = make_link(device, program, attached.mode);
  }
  if (!link) return attach_error(device, errno);
  if (bpf_obj_pin(link.get(), pin_of(place).c_str()) != 0)
    return base::fail_errno("cannot pin the program at " + pin_of(place), errno);
  return attached;
}

Result<Attached> replace(const Device& device, const Present& present, const Program& program,
                         Mode mode) {
  if (mode != Mode::kAuto && mode != present.mode)
    return base::fail(std::string("the decapsulator of ") + device.name + " runs in " +
                      to_string(present.mode) + " mode: detach it before you change that");
  bpf_link_update_opts options{};
  options.sz = sizeof options;
  options.flags = BPF_F_REPLACE;
  options.old_prog_fd = static_cast<std::uint32_t>(present.program.get());
  if (bpf_link_update(present.link.get(), program.fd(), &options) != 0)
    return base::fail_errno(
        "cannot replace the program of " + device.name + ", which stays as it was", errno);
  return Attached{present.mode, true, ""};
}

/// A detach() may remove the folder in between.
Result<FileDescriptor> make_and_lock(const std::string& folder) {
  FileDescriptor lock;
  while (!lock) {
    if (const auto made = make_pin_folder(folder); !made) return tl::unexpected(made.error());
    lock = lock_pin_folder(folder);
    if (!lock && errno != ENOENT) return base::fail_errno("cannot open " + folder, errno);
  }
  return lock;
}

}  // namespace

const char* to_string(Mode mode) {
  switch (mode) {
    case Mode::kNative:
      return "native";
    case Mode::kGeneric:
      return "generic";
    case Mode::kAuto:
      break;
  }
  return "auto";
}

Result<Attached> attach(const Place& place, const Settings& settings, Mode mode) {
  const auto device = find_device(place.device);
  if (!device) return tl::unexpected(device.error());
  if (const auto checked = check(settings); !checked) return tl::unexpected(checked.error());
  if (const auto checked = bpf::check_running_kernel(kOldestKernel); !checked)
    return tl::unexpected(checked.error());
  const auto lock = make_and_lock(place.pin_folder);
  if (!lock) return tl::unexpected(lock.error());
  const auto present = find_present(*device, place);
  if (!present) return tl::unexpected(present.error());

  const FileDescriptor counters =
      *present ? open_counters((*present)->program.get()) : FileDescriptor();
  const auto program = Program::load(settings, counters.get());
  if (!program) return tl::unexpected(program.error());
  if (*present) return replace(*device, **present, *program, mode);
  unlink(pin_of(place).c_str());  // of a device that is gone, if there is one
  return attach_new(*device, place, *program, mode);
}

Result<bool> detach(const Place& place) {
  const auto device = find_device(place.device);
  if (!device) return tl::unexpected(device.error());
  const FileDescriptor lock = lock_pin_folder(place.pin_folder);
  const auto present = find_present(*device, place);
  if (!present) return tl::unexpected(present.error());
  if (*present && bpf_link_detach((*present)->link.get()) != 0)
    return base::fail_errno("cannot detach the program of " + device->name, errno);
  unlink(pin_of(place).c_str());
  rmdir(place.pin_folder.c_str());  // stays if something else is in it
  return present->has_value();
}

Result<std::optional<Status>> status(const Place& place) {
  const auto device = find_device(place.device);
  if (!device) return tl::unexpected(device.error());
  const auto present = find_present(*device, place);
  if (!present) return tl::unexpected(present.error());
  if (!*present) return std::nullopt;
  const int program = (*present)->program.get();
  auto settings = read_settings(program);
  if (!settings) return tl::unexpected(settings.error());
  auto packets = read_packets(program);
  if (!packets) return tl::unexpected(packets.error());
  return Status{(*present)->mode, (*present)->program_id, std::move(*settings),
                std::move(*packets)};
}

}  // namespace guideway::decap
