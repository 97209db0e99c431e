// SPDX-License-Identifier: Apache-2.0
#include "guideway/datapath/dpdk/tap.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace guideway::datapath::dpdk {
namespace {

ifreq request_for(const std::string& name) {
  ifreq request{};
  name.copy(request.ifr_name, IFNAMSIZ - 1);
  return request;
}

tl::unexpected<Error> creation_failed(const std::string& name, int error_number) {
  if (error_number == EBUSY || error_number == EINVAL) {
    return base::fail("the network device " + name +
                      " exists already: another guidewayd may be running; stop it, or remove the "
                      "device with `ip link del " +
                      name + "`");
  }
  if (error_number == EPERM || error_number == EACCES) {
    return base::fail("no permission to make the TAP device " + name +
                      ": run as root or with CAP_NET_ADMIN");
  }
  return base::fail_errno("cannot make the TAP device " + name, error_number);
}

Result<void> set_mac_and_mtu(const std::string& name, Mac mac, unsigned mtu) {
  const FileDescriptor socket_fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket_fd) return base::fail_errno("cannot open a socket to set up " + name, errno);
  ifreq request = request_for(name);
  if (!mac.is_zero()) {
    request.ifr_hwaddr.sa_family = ARPHRD_ETHER;
    std::memcpy(request.ifr_hwaddr.sa_data, mac.bytes.data(), mac.bytes.size());
    if (ioctl(socket_fd.get(), SIOCSIFHWADDR, &request) < 0) {
      return base::fail_errno("cannot set the MAC address of " + name + " to " + mac.to_string(),
                              errno);
    }
  }
  request = request_for(name);
  request.ifr_mtu = static_cast<int>(mtu);
  if (ioctl(socket_fd.get(), SIOCSIFMTU, &request) < 0) {
    return base::fail_errno("cannot set the MTU of " + name + " to " + std::to_string(mtu), errno);
  }
  return {};
}

}  // namespace

Result<Tap> Tap::make(const std::string& name, Mac mac, unsigned mtu) {
  if (name.size() >= IFNAMSIZ) {
    return base::fail("the TAP device's name " + name + " is longer than the kernel's limit of " +
                      std::to_string(IFNAMSIZ - 1) + " bytes; give the interface a shorter name");
  }
  if (if_nametoindex(name.c_str()) != 0) return creation_failed(name, EBUSY);
  FileDescriptor fd(open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC));
  if (!fd && (errno == ENOENT || errno == ENODEV || errno == ENXIO)) {
    return base::fail("cannot make the TAP device " + name +
                      ": /dev/net/tun is missing; load the kernel module with `modprobe tun`");
  }
  if (!fd) return creation_failed(name, errno);
  ifreq request = request_for(name);
  request.ifr_flags = static_cast<short>(IFF_TAP | IFF_NO_PI | IFF_TUN_EXCL);
  if (ioctl(fd.get(), TUNSETIFF, &request) < 0) return creation_failed(name, errno);
  if (auto done = set_mac_and_mtu(name, mac, mtu); !done) return tl::unexpected(done.error());
  return Tap(std::move(fd));
}

}  // namespace guideway::datapath::dpdk
