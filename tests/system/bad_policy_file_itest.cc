// SPDX-License-Identifier: Apache-2.0
// A policy file with a mistake: the error says where, nothing is applied, exit 2.

#include <fstream>

#include "absl/strings/str_cat.h"
#include "tests/system/fleet_story.h"

namespace backup::testing {
namespace {

using ::testing::HasSubstr;

struct BadFile {
  const char* name;
  const char* text;
  const char* where;  // LINE:COLUMN of the mistake.
  const char* says;   // Part of the error or its hint.
};

constexpr char kHead[] = "apiVersion: backup/v1\nkind: Policy\nmetadata: {name: nightly}\nspec:\n";

// Line 5 is the first below kHead.
const BadFile kBadFiles[] = {
    {"UnknownKey", "  schedul: {cron: '0 22 * * *'}\n  retention: {keepLast: 1}\n", ":5:3", "schedule"},
    {"DuplicateKey", "  retention: {keepLast: 1}\n  retention: {keepLast: 2}\n", ":6:3", "retention"},
    {"Anchor", "  schedule: &x {cron: '0 22 * * *'}\n  retention: {keepLast: 1}\n", ":5:", "anchor"},
    {"WrongUnit", "  schedule: {cron: '0 22 * * *', jitter: 10q}\n  retention: {keepLast: 1}\n", ":5:", "10q"},
    {"ImpossibleDate", "  schedule: {cron: '0 0 31 2 *'}\n  retention: {keepLast: 1}\n", ":5:", "never"},
    {"UnknownTimeZone", "  schedule: {cron: '0 22 * * *', timeZone: Europe/Berlinn}\n  retention: {keepLast: 1}\n",
     ":5:", "Europe/Berlin"},
    {"EmptyRetention", "  schedule: {cron: '0 22 * * *'}\n  retention: {}\n", ":6:", "retention"},
    {"UnquotedCron", "  schedule:\n    cron: */5 * * * *\n  retention: {keepLast: 1}\n", ":6:", "quote"},
};

class BadPolicyFileStory : public FleetStory {};

TEST_F(BadPolicyFileStory, SaysWhereAndAppliesNothing) {
  for (const BadFile& bad : kBadFiles) {
    SCOPED_TRACE(bad.name);
    const std::string file = absl::StrCat(fleet_->directory(), "/", bad.name, ".yaml");
    // A good policy before the bad one must not be applied either.
    std::ofstream(file) << kHead << bad.text << "---\n"
                        << "apiVersion: backup/v1\nkind: Policy\nmetadata: {name: innocent}\nspec:\n"
                        << "  databases: [{database: \"*\"}]\n  schedule: {cron: \"0 22 * * *\"}\n"
                        << "  retention: {keepLast: 1}\n";
    for (const char* verb : {"validate", "apply", "diff"}) {
      const CommandResult result = fleet_->Ctl({verb, file});
      EXPECT_EQ(result.exit_code, 2) << verb << "\n" << result.out << result.err;
      EXPECT_THAT(result.err, HasSubstr(absl::StrCat(file, bad.where))) << verb;
      EXPECT_THAT(result.err, HasSubstr(bad.says)) << verb;
    }
  }
  const CommandResult list = fleet_->Ctl({"policy", "list", "-o", "name"});
  EXPECT_EQ(list.exit_code, 0);
  EXPECT_EQ(list.out, "");
}

}  // namespace
}  // namespace backup::testing
