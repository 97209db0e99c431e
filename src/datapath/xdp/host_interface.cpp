// SPDX-License-Identifier: Apache-2.0
#include "guideway/datapath/xdp/host_interface.h"

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "guideway/base/file_descriptor.h"

namespace guideway::datapath::xdp {
namespace {

class Questions {
 public:
  explicit Questions(const std::string& device)
      : device_(device), socket_(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {}

  bool ask(unsigned long what, ifreq& request) const {
    request.ifr_name[device_.copy(request.ifr_name, IFNAMSIZ - 1)] = '\0';
    return ioctl(socket_.get(), what, &request) == 0;
  }
  template <typename T>
  bool ask_ethtool(T& answer) const {
    ifreq request{};
    request.ifr_data = reinterpret_cast<char*>(&answer);
    return ask(SIOCETHTOOL, request);
  }

 private:
  const std::string& device_;
  base::FileDescriptor socket_;
};

unsigned rx_queues(const Questions& kernel) {
  ethtool_channels channels{};
  channels.cmd = ETHTOOL_GCHANNELS;
  if (!kernel.ask_ethtool(channels)) return 1;
  return std::max(1U, channels.rx_count + channels.combined_count);
}

std::string driver(const Questions& kernel) {
  ethtool_drvinfo info{};
  info.cmd = ETHTOOL_GDRVINFO;
  return kernel.ask_ethtool(info) ? info.driver : "unknown";
}

}  // namespace

Result<HostInterface> look_at(const std::string& interface, const std::string& device) {
  HostInterface facts;
  facts.index = static_cast<int>(if_nametoindex(device.c_str()));
  if (facts.index == 0) {
    return base::fail("interface " + interface + ": there is no network device " + device +
                      " in this network namespace; `ip link` lists those there are");
  }
  const Questions kernel(device);
  ifreq request{};
  if (!kernel.ask(SIOCGIFHWADDR, request))
    return base::fail_errno("interface " + interface + ": cannot read the MAC address of " + device,
                            errno);
  std::memcpy(facts.mac.bytes.data(), request.ifr_hwaddr.sa_data, facts.mac.bytes.size());
  if (kernel.ask(SIOCGIFMTU, request)) facts.mtu = static_cast<unsigned>(request.ifr_mtu);
  if (kernel.ask(SIOCGIFFLAGS, request))
    facts.up = (request.ifr_flags & IFF_UP) != 0 && (request.ifr_flags & IFF_RUNNING) != 0;
  facts.driver = driver(kernel);
  facts.rx_queues = rx_queues(kernel);
  return facts;
}

}  // namespace guideway::datapath::xdp
