// SPDX-License-Identifier: Apache-2.0
#include "ctl/error_output.h"

#include <nlohmann/json.hpp>
#include <ostream>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/errors.h"
#include "base/text.h"
#include "ctl/error_parts.h"
#include "ctl/exit_code.h"
#include "ctl/json_tree.h"
#include "ctl/table.h"

namespace backup::ctl {
namespace {

using Json = nlohmann::ordered_json;

void WriteJson(const absl::Status& status, std::ostream& err) {
  Json error = {{"code", absl::StatusCodeToString(status.code())},  {"reason", ErrorReason(status)},
                {"message", std::string(status.message())},         {"hint", ErrorHint(status)},
                {"exitCode", static_cast<int>(ExitCodeOf(status))}, {"details", Json::array()}};
  for (const v1::ErrorInfo& info : GetErrorInfos(status)) error["details"].push_back(JsonTree(info));
  err << JsonText(Json{{"error", error}}, true) << "\n";
}

}  // namespace

void WriteError(const absl::Status& status, const ErrorStyle& style, std::ostream& err) {
  if (style.json) {
    WriteJson(status, err);
    return;
  }
  const auto label = [&](const char* text, Color color) { return style.color ? Colored(text, color) : text; };
  for (const absl::Status& error : SplitErrors(status)) {
    err << label("error:", Color::kRed) << " ";
    bool first = true;
    for (absl::string_view line : absl::StrSplit(error.message(), '\n')) {
      err << (first ? "" : "  ") << CleanText(line) << "\n";
      first = false;
    }
    const std::string reason = ErrorReason(error);
    const std::string hint = ErrorHint(error);
    if (!reason.empty()) err << label("reason:", Color::kDim) << " " << CleanText(reason) << "\n";
    if (!hint.empty()) err << label("hint:", Color::kYellow) << " " << CleanText(hint) << "\n";
  }
}

}  // namespace backup::ctl
