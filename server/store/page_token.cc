// SPDX-License-Identifier: Apache-2.0
#include "server/store/page_token.h"

#include <limits>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/civil_time.h"
#include "base/errors.h"
#include "base/status_macros.h"
#include "base/x509.h"

namespace backup::server {
namespace {

constexpr size_t kSumLength = 16;
constexpr int kMaxPageSize = 1000;

constexpr char kTimeSeparator[] = ";";
constexpr char kInfinity[] = "infinity";
constexpr char kMinusInfinity[] = "-infinity";
// The first year that a timestamptz cannot hold.
constexpr int64_t kEndOfSqlYears = 294276;

// Whether it is a timestamptz in the ISO style, in UTC.
bool IsSqlTime(absl::string_view text) {
  if (text == kInfinity || text == kMinusInfinity) return true;
  absl::ConsumeSuffix(&text, " BC");
  absl::Time time;
  std::string error;
  return absl::EndsWith(text, "+00") && text.find_first_not_of("0123456789-:+. ") == absl::string_view::npos &&
         absl::ParseTime("%Y-%m-%d %H:%M:%E*S%Ez", std::string(text), &time, &error) &&
         absl::ToCivilYear(time, absl::UTCTimeZone()).year() < kEndOfSqlYears;
}

std::string Sum(absl::string_view scope, absl::string_view key) {
  return Sha256Hex(absl::StrCat(scope.size(), ":", scope, key)).substr(0, kSumLength);
}

}  // namespace

absl::Status PageTokenInvalid() {
  return MakeError(absl::StatusCode::kInvalidArgument, "PAGE_TOKEN_INVALID",
                   "the page token does not belong to this list",
                   "use the token of the page before with the same filter, or start without one");
}

std::string MakePageToken(absl::string_view scope, absl::string_view key) {
  return absl::WebSafeBase64Escape(absl::StrCat(Sum(scope, key), key));
}

absl::StatusOr<std::string> ParsePageToken(absl::string_view scope, absl::string_view token) {
  if (token.empty()) return std::string();
  std::string text;
  if (!absl::WebSafeBase64Unescape(token, &text) || text.size() <= kSumLength) return PageTokenInvalid();
  const std::string key = text.substr(kSumLength);
  if (text.substr(0, kSumLength) != Sum(scope, key)) return PageTokenInvalid();
  return key;
}

std::string MakeSequencePageToken(absl::string_view scope, int64_t sequence) {
  return MakePageToken(scope, absl::StrCat(sequence));
}

absl::StatusOr<int64_t> ParseSequencePageToken(absl::string_view scope, absl::string_view token) {
  if (token.empty()) return std::numeric_limits<int64_t>::max();
  ASSIGN_OR_RETURN(const std::string key, ParsePageToken(scope, token));
  int64_t sequence = 0;
  if (!absl::SimpleAtoi(key, &sequence)) return PageTokenInvalid();
  return sequence;
}

std::string MakeTimePageToken(absl::string_view scope, const TimePlace& place) {
  return MakePageToken(scope, absl::StrCat(place.time, kTimeSeparator, place.sequence));
}

absl::StatusOr<TimePlace> ParseTimePageToken(absl::string_view scope, absl::string_view token, bool ascending) {
  TimePlace place{kInfinity, std::numeric_limits<int64_t>::max()};
  if (ascending) place = {kMinusInfinity, std::numeric_limits<int64_t>::min()};
  if (token.empty()) return place;
  ASSIGN_OR_RETURN(const std::string key, ParsePageToken(scope, token));
  const std::vector<std::string> parts = absl::StrSplit(key, kTimeSeparator);
  if (parts.size() != 2 || !IsSqlTime(parts[0]) || !absl::SimpleAtoi(parts[1], &place.sequence)) {
    return PageTokenInvalid();
  }
  place.time = parts[0];
  return place;
}

absl::Status CheckPageSize(const PageRequest& page) {
  if (page.size >= 1 && page.size <= kMaxPageSize) return absl::OkStatus();
  return InvalidField("page_size", absl::StrCat("must be 1 to ", kMaxPageSize, ", not ", page.size));
}

std::string PageScope(absl::string_view list, const google::protobuf::Message& filter) {
  return absl::StrCat(list, ":", filter.SerializeAsString());
}

}  // namespace backup::server
