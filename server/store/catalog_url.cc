// SPDX-License-Identifier: Apache-2.0
#include "server/store/catalog_url.h"

#include <libpq-fe.h>
#include <unistd.h>

#include <map>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "base/errors.h"
#include "base/status_macros.h"
#include "base/text.h"

namespace backup::server {
namespace {

// Keywords of libpq with their values; those not set are not in it.
using Keywords = std::map<std::string, std::string>;

absl::StatusOr<Keywords> Parse(const std::string& url) {
  char* error = nullptr;
  const std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> options(PQconninfoParse(url.c_str(), &error),
                                                                             &PQconninfoFree);
  // libpq quotes the URL in its messages, with the password.
  if (error != nullptr) PQfreemem(error);
  if (options == nullptr || url.find('\0') != std::string::npos) {
    return MakeError(absl::StatusCode::kInvalidArgument, "CATALOG_URL_INVALID", "the catalog's URL cannot be read",
                     "write it as postgresql://USER@HOST:PORT/DATABASE");
  }
  Keywords keywords;
  for (const PQconninfoOption* option = options.get(); option->keyword != nullptr; ++option) {
    if (option->val != nullptr) keywords[option->keyword] = option->val;
  }
  return keywords;
}

std::string ApplicationName() {
  char host[256] = "";
  if (gethostname(host, sizeof(host) - 1) != 0) host[0] = '\0';
  return absl::StrCat("backup-controller ", absl::string_view(host).substr(0, 32), ":", getpid());
}

// Settings of the session. An idle transaction is that of a controller that was stopped: its locks must not stay.
std::string SessionOptions() {
  return absl::StrCat("-c search_path=", kCatalogSchema,
                      " -c TimeZone=UTC -c DateStyle=ISO -c jit=off -c standard_conforming_strings=on"
                      " -c statement_timeout=30s -c lock_timeout=10s -c idle_in_transaction_session_timeout=60s"
                      " -c tcp_keepalives_idle=30 -c tcp_keepalives_interval=10 -c tcp_keepalives_count=3");
}

}  // namespace

absl::StatusOr<std::string> CatalogConninfo(const std::string& url) {
  ASSIGN_OR_RETURN(Keywords keywords, Parse(url));
  keywords.try_emplace("application_name", ApplicationName());
  keywords.try_emplace("connect_timeout", "5");
  keywords.try_emplace("keepalives_idle", "30");
  keywords.try_emplace("keepalives_interval", "10");
  keywords.try_emplace("keepalives_count", "3");
  keywords.try_emplace("tcp_user_timeout", "60000");
  keywords["client_encoding"] = "UTF8";
  keywords["options"] = absl::StrCat(keywords["options"], " ", SessionOptions());
  std::string conninfo;
  for (const auto& [keyword, value] : keywords) {
    absl::StrAppend(&conninfo, keyword, "='", absl::StrReplaceAll(value, {{"\\", "\\\\"}, {"'", "\\'"}}), "' ");
  }
  return conninfo;
}

absl::StatusOr<std::string> DescribeCatalog(const std::string& url) {
  ASSIGN_OR_RETURN(Keywords keywords, Parse(url));
  std::string host = keywords["host"].empty() ? keywords["hostaddr"] : keywords["host"];
  if (host.empty()) host = "localhost";
  const std::string port = keywords["port"].empty() ? "" : absl::StrCat(":", keywords["port"]);
  const std::string database = keywords["dbname"].empty() ? "" : absl::StrCat("/", keywords["dbname"]);
  return CleanText(absl::StrCat(host, port, database));
}

absl::StatusOr<bool> CatalogUrlHasPassword(const std::string& url) {
  ASSIGN_OR_RETURN(const Keywords keywords, Parse(url));
  return keywords.contains("password") || keywords.contains("sslpassword");
}

}  // namespace backup::server
