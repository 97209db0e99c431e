// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "guideway/admin/status_json.h"
#include "status_view.h"
#include "table.h"

namespace guideway::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(Table, AlignsWordsLeftAndNumbersRight) {
  Table table({{"NAME"}, {"COUNT", Table::Align::kRight}});
  table.add({"a", "1"});
  table.add({"longer", "12,345"});
  EXPECT_EQ(table.to_string(),
            "  NAME     COUNT\n"
            "  a            1\n"
            "  longer  12,345\n");
}

TEST(Table, GroupsDigits) {
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(1000), "1,000");
  EXPECT_EQ(grouped(1234567890), "1,234,567,890");
}

control::Status make_status() {
  control::Status status;
  status.director = "lb1";
  status.generation = 42;
  status.live_flows_age_s = 2;
  datapath::WorkerStatus worker;
  worker.counters.packets_in = 1500;
  worker.counters.reasons[GW_REASON_FORWARDED] = 1500;
  status.datapath.workers = {worker, worker};
  control::BackendStatus backend;
  backend.name = "b1";
  backend.state = "enabled";
  backend.reason = "no route to 10.0.0.1\x1b[31m";
  status.pools = {{"web", "l2dsr", "maglev", 65537, false, {backend}}};
  control::ServiceStatus any;
  any.name = "dns";
  any.protocol = "udp";
  status.services = {any};
  return status;
}

TEST(StatusView, ShowsWhatTheDaemonSays) {
  const auto view = status_view(admin::status_json(make_status()));
  ASSERT_TRUE(view) << view.error().message;
  EXPECT_THAT(*view, HasSubstr("director lb1"));
  EXPECT_THAT(*view, HasSubstr("generation 42"));
  EXPECT_THAT(*view, HasSubstr("counted 2 s ago"));
  EXPECT_THAT(*view, HasSubstr("web/b1"));
  EXPECT_THAT(*view, HasSubstr("65,537"));
  EXPECT_THAT(*view, HasSubstr("forwarded    3,000")) << "summed over the workers";
  EXPECT_THAT(*view, HasSubstr("any")) << "port 0";
  EXPECT_THAT(*view, Not(HasSubstr("fragment"))) << "reasons that never happened are left out";
}

TEST(StatusView, ShowsAPoolsPanicAndWhoseGuestABackendIs) {
  control::Status status = make_status();
  status.pools[0].state = "panic";
  status.pools[0].mode = "fallback";
  status.pools[0].healthy_percent = 16;
  status.pools[0].backends[0].home = "spare";
  const auto view = status_view(admin::status_json(status));
  ASSERT_TRUE(view) << view.error().message;
  EXPECT_THAT(*view, HasSubstr("panic: fallback"));
  EXPECT_THAT(*view, HasSubstr("16 %"));
  EXPECT_THAT(*view, HasSubstr("web/spare/b1"));
}

TEST(StatusView, ShowsWhatTheKernelRefusedIfItRefusedAnything) {
  control::Status status = make_status();
  status.datapath.interfaces.resize(2);
  status.datapath.interfaces[0].kernel.to_kernel = 5000;
  EXPECT_THAT(status_view(admin::status_json(status)).value(), Not(HasSubstr("REFUSED")));
  status.datapath.interfaces[1].kernel.to_kernel_refused = 1234;
  const auto view = status_view(admin::status_json(status));
  ASSERT_TRUE(view) << view.error().message;
  EXPECT_THAT(*view, HasSubstr("REFUSED BY KERNEL"));
  EXPECT_THAT(*view, HasSubstr("  1,234\n"));
  EXPECT_THAT(*view, HasSubstr("  0\n")) << "the other interface";
}

TEST(StatusView, ControlCharactersDoNotReachTheTerminal) {
  EXPECT_THAT(status_view(admin::status_json(make_status())).value(), Not(HasSubstr("\x1b")));
}

TEST(StatusView, AnAnswerOfAnotherKindIsAnError) {
  EXPECT_THAT(status_view("{}").error().message, HasSubstr("of one version"));
  EXPECT_THAT(status_view("<html>").error().message, HasSubstr("not understood"));
}

}  // namespace
}  // namespace guideway::cli
