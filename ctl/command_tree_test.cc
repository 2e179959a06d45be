// SPDX-License-Identifier: Apache-2.0
#include "ctl/command_tree.h"

#include <gtest/gtest.h>

#include <map>

#include "base/errors.h"
#include "ctl/commands.h"
#include "tests/golden/in_process_cli.h"
#include "tests/testing/matchers.h"

namespace backup::ctl {
namespace {

using ::backup::testing::HasReason;
using ::backup::testing::InProcessCli;
using ::backup::testing::IsOk;

class CommandTreeTest : public ::testing::Test {
 protected:
  CommandTreeTest() : cli_(nullptr, "/nonexistent"), session_(cli_.environment()), tree_(session_) {
    AddCommands(tree_);
  }

  // Calls `visit` with every leaf and its path.
  void VisitLeaves(const CLI::App& node, const std::string& path,
                   const std::function<void(const CLI::App&, const std::string&)>& visit) {
    if (tree_.ActionOf(node) != nullptr) visit(node, path);
    for (const CLI::App* child : node.get_subcommands([](const CLI::App*) { return true; })) {
      VisitLeaves(*child, path.empty() ? child->get_name() : path + " " + child->get_name(), visit);
    }
  }

  InProcessCli cli_;
  Session session_;
  CommandTree tree_;
};

TEST_F(CommandTreeTest, HasEveryCommandOfTheDesign) {
  std::vector<std::string> paths;
  VisitLeaves(tree_.root(), "", [&](const CLI::App&, const std::string& path) { paths.push_back(path); });
  EXPECT_THAT(paths,
              ::testing::UnorderedElementsAre(
                  "status", "report", "retention simulate", "retention explain", "validate", "diff", "apply", "get",
                  "explain", "policy list", "policy describe", "policy preview", "retention plan", "retention apply",
                  "backup hold", "backup release", "backup delete", "policy pause", "policy resume", "policy delete",
                  "backup run", "backup list", "backup describe", "backup verify", "restore plan", "restore run",
                  "drill run", "drill list", "run list", "run describe", "run watch", "run logs", "run cancel",
                  "event list", "agent list", "agent describe", "agent enroll", "database list", "dev up", "dev down",
                  "context list", "context use", "context set", "context show", "version"));
}

TEST_F(CommandTreeTest, EveryCommandIsExplained) {
  VisitLeaves(tree_.root(), "", [&](const CLI::App& leaf, const std::string& path) {
    const CommandHelp& help = *tree_.HelpOf(leaf);
    EXPECT_FALSE(help.summary.empty()) << path;
    EXPECT_NE(help.summary.back(), '.') << path;
    EXPECT_NE(help.example.find("backupctl " + path), std::string::npos) << path << " has no example of itself";
    for (const CLI::Option* option : leaf.get_options()) {
      const bool hidden = option->get_group().empty();
      EXPECT_TRUE(hidden || !option->get_description().empty()) << path << " " << option->get_name();
    }
  });
}

// Flags may stand before the command, so what stands behind one must not depend on the command.
TEST_F(CommandTreeTest, AFlagTakesAValueEverywhereOrNowhere) {
  std::map<std::string, bool> takes_value;
  VisitLeaves(tree_.root(), "", [&](const CLI::App& leaf, const std::string& path) {
    for (const CLI::Option* option : leaf.get_options()) {
      if (option->get_group().empty()) continue;
      std::vector<std::string> names = option->get_lnames();
      for (const std::string& name : option->get_snames()) names.push_back(name);
      for (const std::string& name : names) {
        const bool value = option->get_items_expected_max() > 0;
        EXPECT_EQ(takes_value.emplace(name, value).first->second, value) << path << " " << name;
      }
    }
  });
}

TEST_F(CommandTreeTest, FindsTheCommandAmongItsFlags) {
  for (const char* line : {"run list --state failed -o json", "--state failed run list -o json",
                           "-o json run --state failed list", "run -o json list --state failed"}) {
    const auto words = FindCommand(tree_, testing::SplitCommandLine(line));
    ASSERT_THAT(words, IsOk()) << line;
    EXPECT_EQ(words->path, "run list") << line;
    EXPECT_THAT(words->arguments, ::testing::UnorderedElementsAre("--state", "failed", "-o", "json")) << line;
  }
}

TEST_F(CommandTreeTest, ArgumentsMayBeNamedLikeCommands) {
  const auto words = FindCommand(tree_, {"policy", "describe", "status"});
  ASSERT_THAT(words, IsOk());
  EXPECT_EQ(words->path, "policy describe");
  EXPECT_EQ(words->arguments, std::vector<std::string>{"status"});
}

TEST_F(CommandTreeTest, AfterTwoDashesEverythingIsAnArgument) {
  const auto words = FindCommand(tree_, {"backup", "run", "--", "--help"});
  ASSERT_THAT(words, IsOk());
  EXPECT_FALSE(words->help);
  EXPECT_EQ(words->arguments, (std::vector<std::string>{"--", "--help"}));
}

TEST_F(CommandTreeTest, TellsTheNearestOfUnknownWords) {
  EXPECT_THAT(FindCommand(tree_, {"polcy"}), HasReason("UNKNOWN_COMMAND"));
  EXPECT_EQ(ErrorHint(FindCommand(tree_, {"policy", "lsit"}).status()), "did you mean backupctl policy list?");
  EXPECT_EQ(ErrorHint(FindCommand(tree_, {"backup", "run", "shop", "--wiat"}).status()), "did you mean --wait?");
  EXPECT_THAT(FindCommand(tree_, {"backup", "run", "shop", "--frobnicate=3"}), HasReason("UNKNOWN_FLAG"));
}

}  // namespace
}  // namespace backup::ctl
