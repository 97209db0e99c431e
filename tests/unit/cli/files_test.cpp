// SPDX-License-Identifier: Apache-2.0
// check, plan, apply, save, and from one revision to another.
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <iterator>

#include "json.h"
#include "tool_test.h"

namespace guideway::cli {
namespace {

using ::testing::HasSubstr;

constexpr const char* kGood =
    "[[interface]]\nname = \"wan\"\ndevice = \"eth1\"\n"
    "[[pool]]\nname = \"web\"\nbackends = [{ name = \"b1\", address = \"10.0.0.11\" }]\n"
    "[[service]]\nname = \"web\"\naddress = \"203.0.113.10\"\nport = 80\npool = \"web\"\n";

class FilesTest : public ToolTest {
 protected:
  FilesTest() { daemon_.answer("GET /v1/history", R"({"api": 1, "revision": 12, "history": []})"); }

  std::string file(const std::string& name, const std::string& text) {
    const std::string path = folder_.path(name);
    std::ofstream(path) << text;
    return path;
  }
  static std::string contents(const std::string& path) {
    std::ifstream stream(path);
    return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  }

  test::TemporaryDir folder_;
};

TEST_F(FilesTest, CheckNeedsNoDaemon) {
  const std::string good = file("good.toml", kGood);
  EXPECT_EQ(guideway({"check", good}), kDone) << err();
  EXPECT_EQ(out(), good + ": good: 1 interfaces, 1 pools, 1 services\n");
  const std::string bad = file("bad.toml", std::string(kGood) + "prot = 1\n");
  EXPECT_EQ(guideway({"check", bad}), kUsage);
  EXPECT_THAT(err(), HasSubstr("bad.toml:12:1: service[0].prot: unknown key"));
  EXPECT_EQ(guideway({"check", bad, "--json"}), kUsage);
  EXPECT_EQ(Json::parse(out()).at("good"), false) << "one object alone";
  EXPECT_EQ(guideway({"check", folder_.path("none.toml")}), kUsage);
}

TEST_F(FilesTest, PlanShowsWhatWouldChange) {
  daemon_.answer("POST /v1/plan", R"({"api": 1, "revision": 12,
    "changes": [{"op": "delete", "path": "pools/web/backends/b2"}],
    "pools": [{"pool": "web", "slots": 65537, "slots_moved": 21846, "moved_percent": 33.3}],
    "removed": [{"path": "pools/web/backends/b2", "live_flows": 17, "live_flows_age_s": 1}],
    "services": [{"service": "http", "address": "203.0.113.10", "port": 80, "protocol": "tcp",
                  "from_pool": "web", "to_pool": "new", "live_flows_at_most": 4711,
                  "live_flows_age_s": 1},
                 {"service": "ssh", "address": "203.0.113.10", "port": 22, "protocol": "tcp",
                  "from_pool": "web", "to_pool": null, "live_flows_at_most": 4711,
                  "live_flows_age_s": null}],
    "errors": []})");
  EXPECT_EQ(guideway({"plan", file("new.toml", kGood)}), kDone) << err();
  EXPECT_EQ(daemon_.last().body, kGood);
  EXPECT_THAT(daemon_.last().headers, HasSubstr("Content-Type: application/toml\r\n"));
  EXPECT_THAT(out(), HasSubstr("delete pools/web/backends/b2\n"));
  EXPECT_THAT(out(), HasSubstr("web   65,537  21,846  33.3 %"));
  EXPECT_THAT(out(), HasSubstr("pools/web/backends/b2          17  1 s ago"));
  EXPECT_THAT(out(), HasSubstr("http     tcp       web -> new      up to 4,711  1 s ago\n"));
  EXPECT_THAT(out(), HasSubstr("ssh      tcp       web, goes away  up to 4,711  not yet\n"));
}

TEST_F(FilesTest, CheckAndPlanShowNotes) {
  std::string text = kGood;
  text.insert(text.find("backends ="), "forwarding = \"ipip\"\n");
  const std::string path = file("tunnel.toml", text);
  ASSERT_EQ(guideway({"check", path}), kDone) << err();
  EXPECT_THAT(out(), HasSubstr(path + ": note: director.on_too_big: "));
  EXPECT_THAT(out(), HasSubstr(path + ": good: "));
  EXPECT_EQ(guideway({"check", path, "--json"}), kDone);
  EXPECT_EQ(Json::parse(out()).at("notes").size(), 1u);
  daemon_.answer("POST /v1/plan", R"({"api": 1, "revision": 12, "pools": [], "removed": [],
    "changes": [{"op": "delete", "path": "pools/web/backends/b2"}], "notes": ["a: b"]})");
  EXPECT_EQ(guideway({"plan", path}), kDone) << err();
  EXPECT_THAT(out(), HasSubstr("\nnote: a: b\n"));
}

TEST_F(FilesTest, APlanWithErrorsIsABadFile) {
  daemon_.answer("POST /v1/plan", R"({"api": 1, "revision": 12, "changes": [], "pools": [],
    "removed": [], "errors": [{"field": "pool[0].name", "message": "is odd"}]})");
  EXPECT_EQ(guideway({"plan", file("new.toml", kGood)}), kUsage);
  EXPECT_THAT(err(), HasSubstr("pool[0].name: is odd"));
}

TEST_F(FilesTest, ApplySendsTheFileForTheRevision) {
  daemon_.answer("PUT /v1/config", kWritten);
  EXPECT_EQ(guideway({"apply", file("new.toml", kGood)}), kDone) << err();
  EXPECT_EQ(daemon_.last().body, kGood);
  EXPECT_THAT(daemon_.last().headers, HasSubstr("If-Match: \"12\"\r\n"));
  EXPECT_THAT(daemon_.last().headers, HasSubstr("Content-Type: application/toml\r\n"));
  EXPECT_EQ(guideway({"apply", file("new.json", " {\"pools\": []}")}), kDone);
  EXPECT_THAT(daemon_.last().headers, HasSubstr("Content-Type: application/json\r\n"));
}

TEST_F(FilesTest, ApplyCanWaitForAConfirmation) {
  daemon_.answer("PUT /v1/config?confirm_within=60s", kWritten);
  EXPECT_EQ(guideway({"apply", file("new.toml", kGood), "--confirm-within", "60s"}), kDone);
  EXPECT_THAT(out(), HasSubstr("taken back in 60s unless you say: guideway confirm"));
  daemon_.answer("PUT /v1/config?confirm_within=60s&dry_run=true", kWritten);
  EXPECT_EQ(guideway({"apply", file("new.toml", kGood), "--confirm-within", "60s", "--dry-run"}),
            kDone);
  daemon_.answer("POST /v1/confirm", kWritten);
  EXPECT_EQ(guideway({"confirm"}), kDone);
  EXPECT_EQ(daemon_.last().what, "POST /v1/confirm");
  EXPECT_EQ(out(), "confirmed: revision 13\n");
  daemon_.answer("POST /v1/confirm?dry_run=true", kWritten);
  EXPECT_EQ(guideway({"confirm", "--dry-run"}), kDone);
  EXPECT_EQ(out(), "dry run: this would be confirmed: revision 13\n");
}

TEST_F(FilesTest, ABadFileIsShownWithLineAndColumn) {
  daemon_.answer("PUT /v1/config", error_body("invalid", "unknown key", "service[0].prot"), 422);
  EXPECT_EQ(guideway({"apply", file("bad.toml", std::string(kGood) + "prot = 1\n")}), kUsage);
  EXPECT_THAT(err(), HasSubstr("bad.toml:12:1: service[0].prot: unknown key"));
  // What only the daemon knows to be wrong.
  EXPECT_EQ(guideway({"apply", file("good.toml", kGood)}), kUsage);
  EXPECT_EQ(err(), "guideway: service[0].prot: unknown key\n");
}

TEST_F(FilesTest, AChangeThatNeedsARestartIsRefusedAndNoBadFile) {
  daemon_.answer("PUT /v1/config", error_body("conflict", "capacity.flows needs a restart"), 409);
  EXPECT_EQ(guideway({"apply", file("new.toml", kGood)}), kFault);
  EXPECT_THAT(err(), HasSubstr("capacity.flows needs a restart"));
}

TEST_F(FilesTest, AFileThatIsMissingOrTooLargeIsNotSent) {
  EXPECT_EQ(guideway({"apply", folder_.path("none.toml")}), kUsage);
  EXPECT_THAT(err(), HasSubstr("No such file"));
  EXPECT_EQ(guideway({"plan", file("huge.toml", std::string(1024 * 1024 + 1, '#'))}), kUsage);
  EXPECT_THAT(err(), HasSubstr("larger than 1 MiB"));
  EXPECT_EQ(guideway({"plan", folder_.path(".")}), kUsage);
  EXPECT_TRUE(daemon_.targets().empty());
}

TEST_F(FilesTest, SaveWritesTheFileWholeAndKeepsItsMode) {
  daemon_.answer("GET /v1/config?format=toml", kGood);
  EXPECT_EQ(guideway({"save"}), kDone);
  EXPECT_EQ(out(), kGood);
  const std::string path = file("saved.toml", "old");
  ASSERT_EQ(chmod(path.c_str(), 0640), 0);
  EXPECT_EQ(guideway({"save", path}), kDone) << err();
  EXPECT_EQ(contents(path), kGood);
  struct stat status {};
  ASSERT_EQ(stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0640u);
  EXPECT_EQ(guideway({"save", folder_.path("new.toml")}), kDone);
  EXPECT_EQ(contents(folder_.path("new.toml")), kGood);
}

TEST_F(FilesTest, SaveShowsJsonWhereThatIsAskedFor) {
  daemon_.answer("GET /v1/config", R"({"api": 1, "revision": 12, "services": [], "pools": []})");
  EXPECT_EQ(guideway({"save", "--json"}), kDone) << err();
  EXPECT_EQ(Json::parse(out()).at("revision"), 12) << "what apply takes, too";
}

TEST_F(FilesTest, SaveWritesToNothingButFiles) {
  daemon_.answer("GET /v1/config?format=toml", kGood);
  EXPECT_EQ(guideway({"save", "/dev/null"}), kUsage);
  EXPECT_EQ(guideway({"save", "/nowhere/file.toml"}), kFault);
  EXPECT_EQ(guideway({"save", folder_.path("")}), kUsage);
  const std::string target = file("target.toml", "old");
  ASSERT_EQ(symlink(target.c_str(), folder_.path("link.toml").c_str()), 0);
  EXPECT_EQ(guideway({"save", folder_.path("link.toml")}), kUsage) << "no link is followed";
  EXPECT_EQ(contents(target), "old");
}

TEST_F(FilesTest, RollbackNamesARevisionOrNone) {
  daemon_.answer("POST /v1/rollback", kWritten);
  EXPECT_EQ(guideway({"rollback", "11"}), kDone);
  EXPECT_EQ(Json::parse(daemon_.last().body), Json::parse(R"({"revision": 11})"));
  EXPECT_EQ(guideway({"rollback"}), kDone);
  EXPECT_EQ(daemon_.last().body, "");
}

TEST_F(FilesTest, ReloadReadsTheFileAgain) {
  daemon_.answer("POST /v1/reload",
                 R"({"api": 1, "revision": 12, "generation": 57, "change_id": "a", "changes": [],
                     "dry_run": false})");
  EXPECT_EQ(guideway({"reload"}), kDone);
  EXPECT_EQ(out(), "nothing to change: revision 12\n");
}

TEST_F(FilesTest, DiffShowsWhatStandsOnTopOfTheFile) {
  daemon_.answer("GET /v1/diff", R"({"api": 1, "revision": 12, "changes":
    [{"op": "patch", "path": "pools/web/backends/b1", "value": {"weight": 50}}],
    "needs_restart": ["capacity.flows"]})");
  daemon_.answer("GET /v1/diff", R"({"api": 1, "revision": 12, "changes": []})");
  EXPECT_EQ(guideway({"diff"}), kDone);
  EXPECT_THAT(out(), HasSubstr("  patch pools/web/backends/b1 {\"weight\":50}\n"));
  EXPECT_THAT(out(), HasSubstr("capacity.flows differs too: a change of this needs a restart"));
  EXPECT_EQ(guideway({"diff"}), kDone);
  EXPECT_EQ(out(), "what runs is what the file says\n");
}

TEST(History, IsATable) {
  // A class of its own: FilesTest's daemon has another history.
  FakeDaemon daemon;
  daemon.answer("GET /v1/history", R"({"api": 1, "revision": 12, "history": [
    {"revision": 12, "time": "2024-05-01T12:00:00.000Z", "change_id": "6f1c", "source": "api",
     "changes": [{"op": "delete", "path": "services/web"}, {"op": "delete", "path": "pools/web"}]},
    {"revision": 11, "time": "2024-05-01T11:00:00.000Z", "change_id": "start", "source": "start",
     "changes": []}], "unconfirmed_until": "2024-05-01T12:01:00.000Z"})");
  std::ostringstream out;
  std::ostringstream err;
  Surroundings around{out, err, daemon.socket(), false, {}, {}};
  EXPECT_EQ(run({"history"}, around), kDone) << err.str();
  EXPECT_THAT(out.str(), HasSubstr("12  2024-05-01T12:00:00.000Z  api     6f1c    delete "
                                   "services/web and 1 more\n"));
  EXPECT_THAT(out.str(), HasSubstr("taken back at 2024-05-01T12:01:00.000Z unless"));
}

}  // namespace
}  // namespace guideway::cli
