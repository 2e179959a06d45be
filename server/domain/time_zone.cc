// SPDX-License-Identifier: Apache-2.0
#include "server/domain/time_zone.h"

#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "base/errors.h"
#include "base/text.h"

namespace backup::server {
namespace {

constexpr size_t kMaxNameBytes = 64;

// Names that people mistype, for the hint alone; every zone of the installed tzdata is accepted.
const std::vector<std::string>& WellKnownNames() {
  static const auto& names = *new std::vector<std::string>{
      "UTC",
      "Africa/Cairo",
      "Africa/Casablanca",
      "Africa/Johannesburg",
      "Africa/Lagos",
      "Africa/Nairobi",
      "America/Argentina/Buenos_Aires",
      "America/Bogota",
      "America/Chicago",
      "America/Denver",
      "America/Halifax",
      "America/Lima",
      "America/Los_Angeles",
      "America/Mexico_City",
      "America/New_York",
      "America/Phoenix",
      "America/Santiago",
      "America/Sao_Paulo",
      "America/Toronto",
      "America/Vancouver",
      "Asia/Bangkok",
      "Asia/Dhaka",
      "Asia/Dubai",
      "Asia/Ho_Chi_Minh",
      "Asia/Hong_Kong",
      "Asia/Jakarta",
      "Asia/Jerusalem",
      "Asia/Karachi",
      "Asia/Kolkata",
      "Asia/Manila",
      "Asia/Riyadh",
      "Asia/Seoul",
      "Asia/Shanghai",
      "Asia/Singapore",
      "Asia/Taipei",
      "Asia/Tehran",
      "Asia/Tokyo",
      "Australia/Adelaide",
      "Australia/Brisbane",
      "Australia/Melbourne",
      "Australia/Perth",
      "Australia/Sydney",
      "Europe/Amsterdam",
      "Europe/Athens",
      "Europe/Berlin",
      "Europe/Brussels",
      "Europe/Bucharest",
      "Europe/Budapest",
      "Europe/Copenhagen",
      "Europe/Dublin",
      "Europe/Helsinki",
      "Europe/Istanbul",
      "Europe/Kyiv",
      "Europe/Lisbon",
      "Europe/London",
      "Europe/Madrid",
      "Europe/Moscow",
      "Europe/Oslo",
      "Europe/Paris",
      "Europe/Prague",
      "Europe/Rome",
      "Europe/Stockholm",
      "Europe/Vienna",
      "Europe/Warsaw",
      "Europe/Zurich",
      "Pacific/Auckland",
      "Pacific/Honolulu",
  };
  return names;
}

// "Europe/berlin" and "america/new york" as the database spells them.
std::string UsualSpelling(absl::string_view name) {
  std::string spelt = absl::StrReplaceAll(absl::AsciiStrToLower(name), {{" ", "_"}});
  bool word_start = true;
  for (char& c : spelt) {
    if (word_start) {
      c = absl::ascii_toupper(c);
    }
    word_start = c == '/' || c == '_' || c == '-';
  }
  return spelt;
}

// Whether the name can be a zone and nothing else: absl would open a path.
bool HasNameForm(absl::string_view name) {
  if (name.size() > kMaxNameBytes || !absl::ascii_isalpha(name[0]) || absl::StrContains(name, "//")) {
    return false;
  }
  for (const char c : name) {
    if (!absl::ascii_isalnum(c) && c != '/' && c != '_' && c != '-' && c != '+') {
      return false;
    }
  }
  // Not zones but second copies of all zones, one of them with leap seconds.
  return name != "localtime" && !absl::StartsWith(name, "posix/") && !absl::StartsWith(name, "right/");
}

bool Load(absl::string_view name, absl::TimeZone& zone) { return HasNameForm(name) && absl::LoadTimeZone(name, &zone); }

}  // namespace

absl::StatusOr<absl::TimeZone> FindTimeZone(absl::string_view name) {
  absl::TimeZone zone;
  if (name.empty()) {
    return absl::UTCTimeZone();
  }
  if (Load(name, zone)) {
    return zone;
  }
  std::string near = UsualSpelling(name);
  if (!Load(near, zone)) {
    near = name.size() > kMaxNameBytes ? "" : NearestWord(near, WellKnownNames());
  }
  return MakeError(absl::StatusCode::kInvalidArgument, "TIME_ZONE_UNKNOWN",
                   absl::StrCat("time zone \"", CleanText(name, kMaxNameBytes), "\" is not known"),
                   near.empty() ? "give an IANA name such as Europe/Berlin, America/New_York or UTC"
                                : absl::StrCat("did you mean ", near, "?"));
}

}  // namespace backup::server
