// SPDX-License-Identifier: Apache-2.0
#include "ctl/policy_deletions.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/proto_json.h"
#include "base/units.h"
#include "ctl/short_name.h"
#include "ctl/value_text.h"

namespace backup::ctl {

std::string DeletionSum(const v1::PolicyChangePlan& deletions) {
  return absl::StrCat(BackupsText(deletions.delete_count()), " (", FormatSize(deletions.delete_bytes()), ")");
}

std::string NothingCoveredText(const std::string& policy, const v1::PolicyChangePlan& plan) {
  if (!plan.has_covered_count() || plan.covered_count() > 0) return "";
  return absl::StrCat("policy ", ShortName(policy),
                      " covers no database for now: see backupctl database list for names and labels");
}

std::string DeletionText(const std::string& policy, const v1::PolicyChangePlan& deletions, const Output& output) {
  if (deletions.delete_count() == 0) return "";
  std::string text = output.Paint(
      absl::StrCat("policy ", ShortName(policy), " would delete ", DeletionSum(deletions), " that it keeps now:"),
      Color::kRed);
  absl::StrAppend(&text, "\n");
  int64_t told = 0;
  for (const v1::DatabaseDeletion& database : deletions.databases()) {
    absl::StrAppend(&text, "  ", output.Paint(ShortName(database.database()), Color::kNone), ": ",
                    CountText(database.delete_count()), " (", FormatSize(database.delete_bytes()), ")");
    if (database.has_oldest_snapshot_time()) {
      absl::StrAppend(&text, ", of ", FormatRfc3339(ToAbsl(database.oldest_snapshot_time())), " to ",
                      FormatRfc3339(ToAbsl(database.newest_snapshot_time())));
    }
    absl::StrAppend(&text, "\n");
    if (!database.frozen().empty()) {
      const std::string word = ShellWord(ShortName(database.database()));
      absl::StrAppend(&text, "    nothing of it goes by itself: ", absl::StrJoin(database.frozen(), "; "),
                      "; let it go with: backupctl retention apply ", word, " --confirm ", word, "\n");
    }
    told += database.delete_count();
  }
  if (told < deletions.delete_count()) {
    absl::StrAppend(&text, "  and ", CountText(deletions.delete_count() - told), " of other databases\n");
  }
  return text;
}

nlohmann::ordered_json DeletionJson(const v1::PolicyChangePlan& deletions) {
  return nlohmann::ordered_json::parse(ToJson(deletions));
}

}  // namespace backup::ctl
