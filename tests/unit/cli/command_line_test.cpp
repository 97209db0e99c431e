// SPDX-License-Identifier: Apache-2.0
// What is wrong with a command line is said in a sentence, with the nearest name, before anything
// is asked.
#include <utility>
// Asio of Boost 1.74 needs <utility> before it.
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include "../../support/temporary_dir.h"
#include "client.h"
#include "guideway/events/event_log.h"
#include "json.h"
#include "options.h"
#include "tool_test.h"

namespace guideway::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

class CommandLineTest : public ToolTest {
 protected:
  /// Exit code 2, and these words.
  void expect_usage(const std::vector<std::string>& arguments, const std::string& words) {
    EXPECT_EQ(guideway(arguments), kUsage);
    EXPECT_THAT(err(), HasSubstr(words));
    EXPECT_THAT(daemon_.targets(), IsEmpty());
  }
};

TEST_F(CommandLineTest, NamesTheNearestCommand) {
  expect_usage({"stauts"}, "unknown command \"stauts\"; the nearest is \"status\"");
  expect_usage({"backend", "drian", "web/b1"}, "the nearest is \"backend drain\"");
  expect_usage({"pool"}, "pool what?; pool takes list, show, add, set, remove");
  expect_usage({}, "a command is missing");
}

TEST_F(CommandLineTest, NamesTheNearestOption) {
  expect_usage({"status", "--jsno"}, "unknown option \"--jsno\"; the nearest is --json");
  expect_usage({"status", "--js"}, "the nearest is --json");
  expect_usage({"backend", "drain", "web/b1", "--deadline", "5m", "--then", "kep"},
               "--then: \"kep\" is none of keep, reset; the nearest is \"keep\"");
}

TEST_F(CommandLineTest, EachKindOfEventIsOneOfThemOrTheNearestIsNamed) {
  expect_usage({"events", "--kind", "halth"}, "--kind: \"halth\" is none of start, config, ");
  expect_usage({"events", "--kind", "state,halth"}, "the nearest is \"health\"");
  expect_usage({"events", "--kind", "state,"}, "--kind: \"\" is none of");
  EXPECT_EQ(option("kind").choices, events::kind_names()) << "those that the daemon has";
}

TEST_F(CommandLineTest, WhatTheToolItselfRefusesIsJsonToo) {
  EXPECT_EQ(guideway({"backend", "show", "web", "--json"}), kUsage);
  const Json usage = Json::parse(out());
  EXPECT_EQ(usage.at("api"), 1);
  EXPECT_EQ(usage.at("error").at("code"), "usage");
  EXPECT_THAT(usage.at("error").at("message"), HasSubstr("names no backend"));
  EXPECT_EQ(guideway({"no", "such", "--json"}), kUsage);
  EXPECT_EQ(Json::parse(out()).at("error").at("code"), "usage");
  socket_ = "/nonexistent/socket";
  EXPECT_EQ(guideway({"pool", "list", "--json"}), kNoDaemon);
  EXPECT_EQ(Json::parse(out()).at("error").at("code"), "no_daemon");
  EXPECT_EQ(guideway({"pool", "list"}), kNoDaemon);
  EXPECT_EQ(out(), "");
  EXPECT_EQ(guideway({"status", "--pin-dir", "/nonexistent", "--json"}), kNoDaemon);
  EXPECT_EQ(Json::parse(out()).at("running"), false) << "one object alone";
}

TEST_F(CommandLineTest, AnOptionOfAnotherCommandIsRefused) {
  expect_usage({"status", "--dry-run"}, "guideway status has no --dry-run; it takes --pin-dir");
  expect_usage({"backend", "enable", "web/b1", "--for", "1h"}, "has no --for");
}

TEST_F(CommandLineTest, TheNumberOfArgumentsIsChecked) {
  expect_usage({"backend", "drain"},
               "an argument is missing; the form is guideway backend drain POOL/BACKEND");
  expect_usage({"confirm", "it"}, "\"it\" is one argument too many");
  expect_usage({"backend", "set", "web/b1"}, "an argument is missing");
}

TEST_F(CommandLineTest, BadValuesAreRefused) {
  expect_usage({"backend", "show", "web"}, "\"web\" names no backend: write POOL/BACKEND");
  expect_usage({"backend", "show", "web/"}, "names no backend");
  expect_usage({"backend", "drain", "web/b1", "--deadline", "5"}, "--deadline: \"5\" is not a dur");
  expect_usage({"backend", "drain", "web/b1", "--then", "keep"}, "add --deadline");
  expect_usage({"backend", "force-up", "web/b1", "--for", "soon"}, "--for: \"soon\" is not a dur");
  expect_usage({"backend", "enable", "web/b1", "--if-revision", "x"}, "\"x\" is not a revision");
  expect_usage({"rollback", "last"}, "\"last\" is not a revision");
  expect_usage({"rollback", "-1"}, "");
  expect_usage({"explain", "tpc", "1.2.3.4:5", "1.2.3.5:80"}, "the nearest is \"tcp\"");
  expect_usage({"explain", "tcp", "1.2.3.4", "1.2.3.5:80"}, "\"1.2.3.4\" has no port");
  expect_usage({"service", "set", "web", "port"}, "\"port\" is not KEY=VALUE");
  expect_usage({"service", "set", "web", "a..b=1"}, "is not KEY=VALUE");
  expect_usage({"service", "set", "web", "=1"}, "is not KEY=VALUE");
  expect_usage({"service", "set", "web", "port=1", "port=2"}, "this key is named twice");
  expect_usage({"pool", "set", "web", "a=1", "a.b=2"}, "this key is named twice");
}

TEST_F(CommandLineTest, ControlCharactersOfArgumentsDoNotReachTheTerminal) {
  expect_usage({"\x1b[31m"}, "\\x1b[31m");
  expect_usage({"status", "--\x1b[31m"}, "\\x1b[31m");
}

TEST_F(CommandLineTest, HelpNamesEachCommandAndItsOptions) {
  EXPECT_EQ(guideway({"--help"}), kDone);
  for (const Command& command : commands()) {
    EXPECT_THAT(out(), HasSubstr("  " + command.words)) << command.words;
    EXPECT_LE(command.help.size(), 60u) << command.words;
  }
  EXPECT_EQ(guideway({"backend", "drain", "--help"}), kDone);
  EXPECT_THAT(out(), HasSubstr("guideway backend drain POOL/BACKEND"));
  EXPECT_THAT(out(), HasSubstr("--then WORD"));
  EXPECT_EQ(guideway({"--version"}), kDone);
  EXPECT_THAT(out(), HasSubstr("guideway 0."));
}

TEST_F(CommandLineTest, NobodyThereIsExitCodeThree) {
  EXPECT_EQ(guideway({"pool", "list", "--socket", "/nowhere/admin.sock"}), kNoDaemon);
  EXPECT_THAT(err(), HasSubstr("no guidewayd answers at /nowhere/admin.sock"));
  EXPECT_EQ(guideway({"pool", "list", "--socket", "/" + std::string(200, 'x')}), kNoDaemon);
  EXPECT_THAT(err(), HasSubstr("too long"));
}

TEST_F(CommandLineTest, StatusInJsonIsAnObjectAlsoWhenNobodyIsThere) {
  EXPECT_EQ(guideway({"status", "--json", "--socket", "/nowhere/status.sock", "--pin-dir",
                      "/nowhere/bpf"}),
            kNoDaemon);
  EXPECT_EQ(Json::parse(out()),
            Json({{"api", 1}, {"running", false}, {"directors", Json::array()}}));
}

TEST_F(CommandLineTest, ADaemonThatHangsUpIsGone) {
  daemon_.answer("GET /v1/pools", "");
  daemon_.leave_after("GET /v1/pools");
  guideway({"pool", "list"});
  EXPECT_EQ(guideway({"pool", "list"}), kNoDaemon);
}

TEST(Daemons, TheFirstSocketThatTakesAConnectionIsAsked) {
  FakeDaemon daemon;
  daemon.answer("GET /v1/status", R"({"api":1})");
  const Daemon both({"/nowhere/status.sock", daemon.socket()}, {"/nowhere/admin.sock"});
  EXPECT_TRUE(both.read("/v1/status"));
  const auto written = both.read_before_write("/v1/status");
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, kNoDaemon);
  EXPECT_THAT(written.error().message, HasSubstr("/nowhere/admin.sock"));
}

TEST(Daemons, OneThatHangsIsAsNone) {
  const guideway::test::TemporaryDir folder;
  const std::string path = folder.path("admin.sock");
  boost::asio::io_context loop;
  const boost::asio::local::stream_protocol::acceptor silent(loop, path);
  Request request;
  request.target = "/v1/status";
  request.time = std::chrono::milliseconds(50);
  const auto answer = exchange({path}, request);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, kNoDaemon);
  EXPECT_THAT(answer.error().message, HasSubstr("does not answer"));
}

TEST(Daemons, NamesAreEncodedInPaths) {
  EXPECT_EQ(encoded("web-1.a_b~"), "web-1.a_b~");
  EXPECT_EQ(encoded("a/b ?#%\n"), "a%2Fb%20%3F%23%25%0A");
  EXPECT_EQ(encoded("[2001:db8::1]:80"), "[2001:db8::1]:80");
  EXPECT_EQ(encoded("+01"), "%2B01");
  EXPECT_EQ(encoded(std::string(1, '\0')), "%00");
}

}  // namespace
}  // namespace guideway::cli
