// SPDX-License-Identifier: Apache-2.0
#include "base/resource_name.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "absl/time/civil_time.h"
#include "base/errors.h"
#include "base/text.h"

namespace backup {
namespace {

bool IsLowerAlphanumeric(char c) { return absl::ascii_islower(c) || absl::ascii_isdigit(c); }

bool IsUnreserved(char c) { return absl::ascii_isalnum(c) || c == '_' || c == '.' || c == '~' || c == '-'; }

// [0-9a-z]{1,63}
bool IsShortId(absl::string_view id) {
  return !id.empty() && id.size() <= 63 && std::all_of(id.begin(), id.end(), IsLowerAlphanumeric);
}

int HexDigit(char c) {
  if (absl::ascii_isdigit(c)) return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

absl::Status InvalidName(absl::string_view name, absl::string_view form, absl::string_view hint = "") {
  return MakeError(absl::StatusCode::kInvalidArgument, "INVALID_RESOURCE_NAME",
                   absl::StrCat("\"", CleanText(name, 256), "\" is not a name of the form ", form), hint);
}

absl::StatusOr<std::string> ParseFlatName(absl::string_view name, absl::string_view collection, absl::string_view form,
                                          bool (*is_valid)(absl::string_view)) {
  absl::string_view id = name;
  if (!absl::ConsumePrefix(&id, collection) || !is_valid(id)) return InvalidName(name, form);
  return std::string(id);
}

}  // namespace

bool IsValidId(absl::string_view id) {
  return !id.empty() && id.size() <= 63 && IsLowerAlphanumeric(id.front()) && IsLowerAlphanumeric(id.back()) &&
         std::all_of(id.begin(), id.end(), [](char c) { return IsLowerAlphanumeric(c) || c == '-'; });
}

std::string EncodeSegment(absl::string_view raw) {
  if (raw.empty()) return "%";
  std::string encoded;
  for (const char c : raw) {
    const bool leading_mark = encoded.empty() && (c == '-' || c == '.');
    if (IsUnreserved(c) && !leading_mark) {
      encoded.push_back(c);
    } else {
      absl::StrAppendFormat(&encoded, "%%%02X", static_cast<unsigned char>(c));
    }
  }
  return encoded;
}

absl::StatusOr<std::string> DecodeSegment(absl::string_view encoded) {
  if (encoded == "%") return std::string();
  std::string raw;
  for (size_t i = 0; i < encoded.size(); ++i) {
    if (encoded[i] != '%') {
      raw.push_back(encoded[i]);
      continue;
    }
    const int high = i + 2 < encoded.size() ? HexDigit(encoded[i + 1]) : -1;
    const int low = i + 2 < encoded.size() ? HexDigit(encoded[i + 2]) : -1;
    if (high < 0 || low < 0) return InvalidName(encoded, "a percent-encoded segment");
    raw.push_back(static_cast<char>(high * 16 + low));
    i += 2;
  }
  // Every text has one encoding only: two spellings of one name would be two resources.
  if (EncodeSegment(raw) != encoded) return InvalidName(encoded, "a percent-encoded segment");
  return raw;
}

std::string MakeAgentName(absl::string_view agent_id) { return absl::StrCat("agents/", agent_id); }

absl::StatusOr<std::string> ParseAgentName(absl::string_view name) {
  return ParseFlatName(name, "agents/", "agents/{agent}", IsValidId);
}

std::string MakeDatabaseName(absl::string_view agent_id, absl::string_view database) {
  return absl::StrCat("agents/", agent_id, "/databases/", EncodeSegment(database));
}

absl::StatusOr<DatabaseId> ParseDatabaseName(absl::string_view name) {
  constexpr absl::string_view kForm = "agents/{agent}/databases/{database}";
  constexpr absl::string_view kCollection = "/databases/";
  absl::string_view rest = name;
  if (!absl::ConsumePrefix(&rest, "agents/")) return InvalidName(name, kForm);
  const absl::string_view agent = rest.substr(0, rest.find('/'));
  rest.remove_prefix(agent.size());
  if (!IsValidId(agent) || !absl::ConsumePrefix(&rest, kCollection)) return InvalidName(name, kForm);
  absl::StatusOr<std::string> database = DecodeSegment(rest);
  if (!database.ok()) return InvalidName(name, kForm);
  return DatabaseId{std::string(agent), *std::move(database)};
}

std::string MakePolicyName(absl::string_view policy_id) { return absl::StrCat("policies/", policy_id); }

absl::StatusOr<std::string> ParsePolicyName(absl::string_view name) {
  return ParseFlatName(name, "policies/", "policies/{policy}", IsValidId);
}

std::string MakeRunName(absl::string_view run_id) { return absl::StrCat("runs/", run_id); }

absl::StatusOr<std::string> ParseRunName(absl::string_view name) {
  return ParseFlatName(name, "runs/", "runs/{run}", IsShortId);
}

std::string MakeBackupName(absl::string_view backup_id) { return absl::StrCat("backups/", backup_id); }

absl::StatusOr<std::string> ParseBackupName(absl::string_view name) {
  absl::StatusOr<std::string> id = ParseFlatName(name, "backups/", "backups/{backup}", IsValidBackupId);
  if (id.ok()) return id;
  return InvalidName(name, "backups/{backup}", "ids are like 20261123T220000Z-7k3m9q2x4d: see backupctl backup list");
}

bool IsValidBackupId(absl::string_view id) {
  constexpr absl::string_view kForm = "00000000T000000Z-";
  if (id.size() <= kForm.size() || !IsShortId(id.substr(kForm.size()))) return false;
  for (size_t i = 0; i < kForm.size(); ++i) {
    if (kForm[i] == '0' ? !absl::ascii_isdigit(id[i]) : id[i] != kForm[i]) return false;
  }
  const auto number = [&](size_t at, size_t digits) {
    int value = 0;
    for (size_t i = at; i < at + digits; ++i) value = value * 10 + (id[i] - '0');
    return value;
  };
  const int year = number(0, 4), month = number(4, 2), day = number(6, 2);
  const int hour = number(9, 2), minute = number(11, 2), second = number(13, 2);
  // A CivilSecond carries what is out of range over; a real time stays as it is.
  const absl::CivilSecond time(year, month, day, hour, minute, second);
  return time.year() == year && time.month() == month && time.day() == day && time.hour() == hour &&
         time.minute() == minute && time.second() == second;
}

std::string MakeUserName(absl::string_view user_id) { return absl::StrCat("users/", user_id); }

}  // namespace backup
