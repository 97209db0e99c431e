// SPDX-License-Identifier: Apache-2.0
#include "guideway/datapath/xdp/xdp_datapath.h"

#include <utility>

#include "guideway/base/clock.h"

namespace guideway::datapath::xdp {
namespace {

class XdpDatapath : public Datapath {
 public:
  explicit XdpDatapath(std::unique_ptr<KernelPart> kernel) : kernel_(std::move(kernel)) {}

  const std::optional<KeptFlows>& adopted() const override { return kernel_->adopted(); }
  Result<void> prepare(const compile::ForwardingStatePtr& state) override {
    return kernel_->prepare(state);
  }
  void publish(compile::ForwardingStatePtr state) override {
    kernel_->publish(state);
    kernel_->switch_over();
  }
  bool grace_passed(std::uint64_t generation) const override {
    return kernel_->grace_passed(generation);
  }
  void reclaim() override { kernel_->reclaim(); }
  FlowTableView flow_table() override { return kernel_->flow_table(); }
  NatTableView nat_table() override { return kernel_->nat_table(); }
  compile::NatIds nat_ids() override { return kernel_->nat_ids(); }
  std::uint32_t now_s() const override { return base::coarse_now_s(); }
  void forget_backend_traffic(std::uint16_t id) override { kernel_->counters().forget_backend(id); }
  void forget_service_traffic(std::uint16_t id) override { kernel_->counters().forget_service(id); }
  std::vector<std::span<gw_traffic>> backend_rows() override {
    return kernel_->counters().backend_rows();
  }
  DatapathStatus status() const override;
  bool forwards_without_daemon() const override { return true; }
  void stop(End end) override { kernel_->stop(end); }

 private:
  std::unique_ptr<KernelPart> kernel_;
};

DatapathStatus XdpDatapath::status() const {
  DatapathStatus status;
  status.kind = "xdp";
  status.memory = "BPF maps";
  status.distribution = "the kernel runs the program on the CPU that receives";
  status.interfaces = kernel_->interface_status();
  status.workers = kernel_->counters().rows();
  kernel_->counters().add_backends_to(status.backends);
  kernel_->counters().add_services_to(status.services);
  return status;
}

}  // namespace

Result<std::unique_ptr<Datapath>> start_xdp(const KernelOptions& options) {
  auto kernel = KernelPart::open(options);
  if (!kernel) return tl::unexpected(kernel.error());
  if (auto attached = (*kernel)->attach(); !attached) return tl::unexpected(attached.error());
  return std::make_unique<XdpDatapath>(std::move(*kernel));
}

}  // namespace guideway::datapath::xdp
