// SPDX-License-Identifier: Apache-2.0
#include "server/config.h"

#include <sys/stat.h>

#include <optional>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/file.h"
#include "base/status_macros.h"
#include "base/strict_yaml.h"
#include "server/address.h"
#include "server/log_level.h"
#include "server/store/catalog_url.h"

namespace backup::server {
namespace {

constexpr absl::Duration kMinLease = absl::Seconds(3);
constexpr absl::Duration kMaxLease = absl::Hours(1);
constexpr int64_t kMaxRunningRuns = 1'000'000;
constexpr absl::Duration kMinHistoryAge = absl::Hours(24 * 30);
constexpr absl::Duration kMinProgressInterval = absl::Milliseconds(100);

template <typename T>
void Put(const std::optional<T>& value, T& option) {
  if (value.has_value()) {
    option = *value;
  }
}

// An error at `key` unless `check` is OK.
void Require(YamlReader& reader, absl::string_view key, const absl::Status& check) {
  if (!check.ok()) {
    reader.AddError(key, check.message(), ErrorHint(check));
  }
}

void ReadCatalog(YamlReader& reader, ControllerOptions& options) {
  const std::optional<std::string> url = reader.String("catalog");
  const std::optional<std::string> file = reader.String("catalogFile");
  if (url.has_value() && file.has_value()) {
    reader.AddError("catalogFile", "catalog is given too", "keep one of them");
    return;
  }
  if (url.has_value()) {
    Require(reader, "catalog", RefusePassword(*url, "the configuration file"));
    options.catalog_url = *url;
  }
  if (file.has_value()) {
    absl::StatusOr<std::string> read = ReadCatalogFile(*file);
    Require(reader, "catalogFile", read.status());
    options.catalog_url = read.ok() ? *read : "";
  }
}

}  // namespace

absl::Status ReadConfigFile(const std::string& path, ControllerOptions& options) {
  ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  ASSIGN_OR_RETURN(const std::vector<YamlNode> documents, ParseYaml(text, path));
  if (documents.size() != 1) {
    return MakeError(absl::StatusCode::kInvalidArgument, "YAML_INVALID",
                     absl::StrCat(path, ": it holds ", documents.size(), " documents instead of one"));
  }
  YamlReader::Context context;
  context.file = path;
  YamlReader reader(documents[0], "", context);
  if (!reader.OneOf("apiVersion", {"backup/v1"}).has_value() && !reader.Has("apiVersion")) {
    reader.AddError("", "apiVersion is missing", "write apiVersion: backup/v1");
  }
  if (!reader.OneOf("kind", {"ControllerConfig"}).has_value() && !reader.Has("kind")) {
    reader.AddError("", "kind is missing", "write kind: ControllerConfig");
  }
  Put(reader.String("dataDirectory"), options.data_directory);
  Put(reader.String("listen"), options.listen);
  Put(reader.String("advertise"), options.advertise);
  ReadCatalog(reader, options);
  Put(reader.String("catalogUser"), options.catalog_user);
  Put(reader.Duration("leaseDuration"), options.lease_duration);
  Put(reader.Duration("progressInterval"), options.progress_interval);
  Put(reader.Integer("maxRunningRuns", 1, kMaxRunningRuns), options.max_running_runs);
  Put(reader.Duration("historyAge"), options.history_age);
  if (const std::optional<std::string> level = reader.OneOf("logLevel", LogLevelNames()); level.has_value()) {
    options.log_level = *ParseLogLevel(*level);
  }
  reader.Finish();
  return JoinYamlErrors(context.errors);
}

absl::Status CheckOptions(const ControllerOptions& options) {
  if (options.data_directory.empty() || options.data_directory.front() != '/') {
    return InvalidField("data-dir", "it is not an absolute path");
  }
  RETURN_IF_ERROR(ParseAddress("listen", options.listen).status());
  if (!options.advertise.empty()) {
    ASSIGN_OR_RETURN(const Address advertised, ParseAddress("advertise", options.advertise));
    if (advertised.port == 0 || advertised.IsWildcard()) {
      return InvalidField("advertise", absl::StrCat("agents cannot dial ", options.advertise),
                          "give a host and port that they can reach");
    }
  }
  if (options.lease_duration < kMinLease || options.lease_duration > kMaxLease) {
    return InvalidField("lease-duration", "it is not between 3s and 1h");
  }
  if (options.progress_interval < kMinProgressInterval || options.progress_interval * 3 > options.lease_duration) {
    return InvalidField("progress-interval", "it is not between 100ms and a third of the lease duration");
  }
  if (options.history_age < kMinHistoryAge) {
    return InvalidField("history-age", "it is less than 30d");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> ReadCatalogFile(const std::string& path) {
  struct stat info = {};
  if (stat(path.c_str(), &info) == 0 && (info.st_mode & 077) != 0) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "SECRET_FILE_EXPOSED",
                     absl::StrCat("others may read the catalog file ", path), absl::StrCat("chmod 600 ", path));
  }
  ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  std::string url(absl::StripAsciiWhitespace(text));
  if (url.empty() || url.find('\n') != std::string::npos) {
    return MakeError(absl::StatusCode::kInvalidArgument, "CATALOG_URL_INVALID",
                     absl::StrCat("the catalog file ", path, " does not hold one line with a URL"));
  }
  return url;
}

absl::Status RefusePassword(const std::string& catalog_url, const std::string& where) {
  ASSIGN_OR_RETURN(const bool has_password, CatalogUrlHasPassword(catalog_url));
  if (!has_password) {
    return absl::OkStatus();
  }
  return MakeError(absl::StatusCode::kInvalidArgument, "PASSWORD_IN_CATALOG_URL",
                   absl::StrCat("the catalog's URL holds a password, and others can read ", where),
                   "write the URL into a file of mode 0600 and name it with --catalog-file");
}

}  // namespace backup::server
