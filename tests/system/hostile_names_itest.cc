// SPDX-License-Identifier: Apache-2.0
// A database may have any name: the right one is dumped, to a place inside the repository, and restores.

#include <filesystem>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "base/resource_name.h"
#include "tests/system/fleet_story.h"
#include "tests/system/test_data.h"

namespace backup::testing {
namespace {

std::string QuoteIdentifier(const std::string& name) {
  return absl::StrCat("\"", absl::StrReplaceAll(name, {{"\"", "\"\""}}), "\"");
}

const std::vector<std::string>& Names() {
  static const auto& names = *new std::vector<std::string>{
      "with space",
      "it's \"quoted\"",
      "a/b",
      "../../escape",
      "..",
      "line\nbreak",
      "-leading-dash",
      "a=b",
      "dbname=template1 application_name=x",
      "postgresql://localhost/template1",
      "percent%2Fslash",
      "$(touch /tmp/pwned); `id` %s %n",
      "\xd0\xb1\xd0\xb0\xd0\xb7\xd0\xb0",
      "rtl\xe2\x80\xae",
      "back\\slash",
      std::string(63, 'x'),
  };
  return names;
}

class HostileNamesStory : public FleetStory {};

TEST_F(HostileNamesStory, EachIsDumpedStoredInsideTheRepositoryAndRestored) {
  MiniAgentOptions options;
  for (size_t i = 0; i < Names().size(); ++i) {
    const std::string& name = Names()[i];
    ASSERT_THAT(server_->Execute(absl::StrCat("CREATE DATABASE ", QuoteIdentifier(name))), IsOk());
    ASSERT_THAT(server_->Execute(absl::StrCat("CREATE TABLE witness AS SELECT ", i, " AS n"), name), IsOk());
    options.databases.push_back({.id = name, .url = server_->Url(name), .password = ""});
  }
  MiniAgent* agent = AddAgent(std::move(options));
  ASSERT_NE(agent, nullptr);

  for (size_t i = 0; i < Names().size(); ++i) {
    const std::string& name = Names()[i];
    SCOPED_TRACE(name);
    absl::StatusOr<std::string> database = fleet_->AwaitDatabase("db1", name);
    ASSERT_THAT(database.status(), IsOk());
    const v1::Run run = Backup(*database);
    ASSERT_EQ(run.state(), v1::SUCCEEDED) << run.DebugString();
    v1::BackupFilter filter;
    filter.set_database(*database);
    absl::StatusOr<std::vector<v1::Backup>> backups = fleet_->ListBackups(filter);
    ASSERT_THAT(backups.status(), IsOk());
    ASSERT_EQ(backups->size(), 1u);
    const std::filesystem::path path = std::filesystem::canonical(backups->front().path());
    EXPECT_TRUE(absl::StartsWith(path.string(), std::filesystem::canonical(agent->repository()).string() + "/"));

    const std::string restored = absl::StrCat("restored_", i);
    ASSERT_THAT(RestoreByHand(*server_, path.string(), restored), IsOk());
    absl::StatusOr<std::string> witness = server_->Query("SELECT n FROM witness", restored);
    ASSERT_THAT(witness.status(), IsOk());
    EXPECT_EQ(*witness, absl::StrCat(i));
  }
  EXPECT_FALSE(std::filesystem::exists("/tmp/pwned"));
  const CommandResult list = fleet_->Ctl({"database", "list"});
  EXPECT_EQ(list.exit_code, 0);
  EXPECT_EQ(list.out.find("line\nbreak"), std::string::npos);
  EXPECT_EQ(list.out.find("\xe2\x80\xae"), std::string::npos);
}

}  // namespace
}  // namespace backup::testing
