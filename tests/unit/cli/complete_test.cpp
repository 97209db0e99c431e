// SPDX-License-Identifier: Apache-2.0
// What the shells offer, from the table of commands and from the daemon.
#include "complete.h"

#include <fstream>

#include "tool_test.h"

namespace guideway::cli {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Words = std::vector<std::string>;

class CompleteTest : public ToolTest {
 protected:
  CompleteTest() {
    daemon_.answer("GET /v1/status", R"({"services": [{"name": "web"}, {"name": "`reboot`"}],
      "pools": [{"name": "web", "backends": [{"name": "b1"}, {"name": "b2", "home": ""},
                                            {"name": "b7", "home": "spare"}]}]})");
  }
  Words complete(const Words& words) { return completions(words, Daemon({socket_}, {socket_})); }
};

TEST_F(CompleteTest, EveryWordOfEveryCommandAndEveryOptionIsOffered) {
  for (const Command& command : commands()) {
    std::istringstream stream(command.words);
    Words before;
    for (std::string word; stream >> word; before.push_back(word)) {
      Words typed = before;
      typed.emplace_back("");
      EXPECT_THAT(complete(typed), Contains(word)) << command.words;
    }
    before.emplace_back("--");
    for (const std::string& name : options_of(command))
      EXPECT_THAT(complete(before), Contains("--" + name)) << command.words;
  }
}

TEST_F(CompleteTest, OnlyWhatFitsIsOffered) {
  EXPECT_THAT(complete({"backend", "dr"}), ElementsAre("drain"));
  EXPECT_THAT(complete({"status", "--dry"}), IsEmpty());
  EXPECT_THAT(complete({"backend", "drain", "--then", ""}), ElementsAre("keep", "reset"));
  EXPECT_THAT(complete({"nonsense", ""}), IsEmpty());
  EXPECT_THAT(complete({"confirm", ""}), IsEmpty());
  EXPECT_THAT(complete({}), IsEmpty());
}

TEST_F(CompleteTest, NamesComeFromTheDaemon) {
  EXPECT_THAT(complete({"backend", "drain", ""}), ElementsAre("web/b1", "web/b2"));
  EXPECT_THAT(complete({"backend", "drain", "--deadline", "5m", "web/b2"}), ElementsAre("web/b2"));
  EXPECT_THAT(complete({"pool", "show", "w"}), ElementsAre("web"));
  EXPECT_THAT(complete({"service", "show", ""}), ElementsAre("web"))
      << "nothing that a shell could take for more than a name";
  EXPECT_THAT(complete({"service", "add", ""}), IsEmpty()) << "a new name";
  EXPECT_THAT(complete({"apply", ""}), IsEmpty()) << "a file's name, which is the shell's";
}

TEST_F(CompleteTest, WithoutADaemonThereAreNoNames) {
  socket_ = "/nowhere/admin.sock";
  EXPECT_THAT(complete({"pool", "show", ""}), IsEmpty());
}

TEST_F(CompleteTest, AnAnswerOfAnotherKindIsNoName) {
  FakeDaemon odd;
  odd.answer("GET /v1/status", R"({"services": 7, "pools": [{}]})");
  const Daemon daemon({odd.socket()}, {odd.socket()});
  EXPECT_THAT(completions({"service", "show", ""}, daemon), IsEmpty());
  EXPECT_THAT(completions({"pool", "show", ""}, daemon), IsEmpty());
}

TEST_F(CompleteTest, TheShellsAskTheProgram) {
  EXPECT_EQ(guideway({kCompleteWord, "backend", "dr"}), kDone);
  EXPECT_EQ(out(), "drain\n");
  for (const std::string name : {"guideway.bash", "_guideway"}) {
    std::ifstream file(std::string(GUIDEWAY_SOURCE_ROOT "/src/cli/completion/") + name);
    const std::string text((std::istreambuf_iterator<char>(file)),
                           std::istreambuf_iterator<char>());
    EXPECT_THAT(text, HasSubstr(std::string(" ") + kCompleteWord + " ")) << name;
  }
}

}  // namespace
}  // namespace guideway::cli
