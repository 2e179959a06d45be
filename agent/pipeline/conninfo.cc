// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/conninfo.h"

#include <libpq-fe.h>
#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "agent/pipeline/job_failure.h"
#include "base/errors.h"
#include "base/file.h"
#include "base/status_macros.h"
#include "base/text.h"

namespace backup::agent {
namespace {

constexpr char kFormHint[] =
    "write postgresql://USER@HOST:PORT/DATABASE with special characters percent-encoded (@ is %40, / is %2F, : is "
    "%3A), and "
    "put the password into a password file";

absl::Status Malformed(absl::string_view why) {
  return MakeError(absl::StatusCode::kInvalidArgument, v1::FailureCause_Name(v1::WRONG_DATABASE),
                   absl::StrCat("the connection string is not valid: ", why), kFormHint);
}

bool IsUri(absl::string_view url) {
  return absl::StartsWith(url, "postgresql://") || absl::StartsWith(url, "postgres://");
}

// A password with a raw '@' or '/' moves its rest into the host, port or database, which messages do show.
absl::Status CheckUriForm(absl::string_view url) {
  absl::string_view rest = url.substr(url.find("://") + 3);
  const size_t query = rest.find('?');
  const absl::string_view before_query = rest.substr(0, query);
  const size_t at = before_query.find('@');
  if (at != absl::string_view::npos && before_query.find('@', at + 1) != absl::string_view::npos) {
    return Malformed("it holds more than one @");
  }
  if (at != absl::string_view::npos && before_query.find('/') < at) {
    return Malformed("it holds a / before the @");
  }
  if (query != absl::string_view::npos && absl::StrContains(rest.substr(query), '@')) {
    return Malformed("it holds an @ after the ?");
  }
  return absl::OkStatus();
}

bool IsHost(absl::string_view host) {
  if (absl::StartsWith(host, "/") || absl::StartsWith(host, "@")) {  // Directory of a socket, or an abstract one.
    return std::none_of(host.begin(), host.end(), [](char c) { return absl::ascii_iscntrl(c); });
  }
  return std::all_of(host.begin(), host.end(), [](char c) {
    return absl::ascii_isalnum(c) || c == '.' || c == '-' || c == '_' || c == ':' || c == '%';
  });
}

absl::Status CheckParts(const std::map<std::string, std::string>& parameters) {
  for (const char* key : {"host", "hostaddr"}) {
    auto value = parameters.find(key);
    if (value == parameters.end()) {
      continue;
    }
    for (absl::string_view host : absl::StrSplit(value->second, ',')) {
      if (!IsHost(host)) {
        return Malformed("the host holds characters that no host name has");
      }
    }
  }
  if (auto value = parameters.find("port"); value != parameters.end()) {
    for (absl::string_view port : absl::StrSplit(value->second, ',')) {
      int number = 0;
      if (!port.empty() && (!absl::SimpleAtoi(port, &number) || number < 1 || number > 65535)) {
        return Malformed("the port is not a number from 1 to 65535");
      }
    }
  }
  return absl::OkStatus();
}

// Options that would give a child another target than ours, or a secret that cannot be passed by a file.
absl::Status CheckAllowed(const std::map<std::string, std::string>& parameters) {
  if (parameters.contains("service")) {
    return Malformed("service= is not supported; write the host, port, user and database themselves");
  }
  if (parameters.contains("sslpassword")) {
    return Malformed("sslpassword= is not supported; use a key file without a passphrase that only the agent can read");
  }
  if (parameters.contains("replication")) {
    return Malformed("replication= makes no sense for a dump");
  }
  return absl::OkStatus();
}

std::string OperatingSystemUser() {
  struct passwd entry;
  struct passwd* found = nullptr;
  std::vector<char> buffer(16384);
  if (getpwuid_r(geteuid(), &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr) {
    return found->pw_name;
  }
  return absl::StrCat(geteuid());
}

absl::StatusOr<std::string> ReadPasswordFile(const std::string& path) {
  absl::StatusOr<std::string> contents = ReadFile(path, 64 << 10);
  if (!contents.ok()) {
    return JobError(v1::AUTH, absl::StrCat("cannot read the password file: ", std::string(contents.status().message())),
                    "the file must be readable by the agent's user and hold the password on its first line");
  }
  const std::string line = contents->substr(0, contents->find('\n'));
  return line.ends_with('\r') ? line.substr(0, line.size() - 1) : line;
}

std::string Quote(absl::string_view value) {
  return absl::StrCat("'", absl::StrReplaceAll(value, {{"\\", "\\\\"}, {"'", "\\'"}}), "'");
}

std::string PercentEncode(absl::string_view raw) {
  std::string encoded;
  for (unsigned char c : std::string(raw)) {
    if (absl::ascii_isalnum(c) || c == '-' || c == '.' || c == '_' || c == '~') {
      encoded += static_cast<char>(c);
    } else {
      const char* digits = "0123456789ABCDEF";
      encoded += {'%', digits[c >> 4], digits[c & 15]};
    }
  }
  return encoded;
}

}  // namespace

absl::StatusOr<Conninfo> Conninfo::Parse(const ConnectionTarget& target) {
  if (target.url.empty()) {
    return Malformed("it is empty");
  }
  if (target.url.find('\0') != std::string::npos) {
    return Malformed("it holds a zero byte");
  }
  if (IsUri(target.url)) {
    RETURN_IF_ERROR(CheckUriForm(target.url));
  }
  // libpq's own message is never shown: it quotes pieces of the string, and a piece may be the password's.
  char* message = nullptr;
  std::unique_ptr<PQconninfoOption, void (*)(PQconninfoOption*)> options(PQconninfoParse(target.url.c_str(), &message),
                                                                         PQconninfoFree);
  PQfreemem(message);
  if (options == nullptr) {
    return Malformed("libpq cannot read it");
  }
  Conninfo conninfo;
  for (const PQconninfoOption* option = options.get(); option->keyword != nullptr; ++option) {
    if (option->val == nullptr || *option->val == '\0') {
      continue;
    }
    if (absl::string_view(option->keyword) == "password") {
      conninfo.password_ = option->val;
    } else {
      conninfo.parameters_[option->keyword] = option->val;
    }
  }
  RETURN_IF_ERROR(CheckAllowed(conninfo.parameters_));
  RETURN_IF_ERROR(CheckParts(conninfo.parameters_));
  if (!target.password_file.empty()) {
    ASSIGN_OR_RETURN(conninfo.password_, ReadPasswordFile(target.password_file));
  }
  if (conninfo.password_.find_first_of("\r\n\0", 0, 3) != std::string::npos) {
    return JobError(v1::AUTH, "the password holds a line end or a zero byte, which a libpq password file cannot hold",
                    "choose another password");
  }
  auto& parameters = conninfo.parameters_;
  parameters.erase("client_encoding");  // Ours to set: names must come as the dump spells them.
  parameters.try_emplace("user", OperatingSystemUser());
  parameters.try_emplace("dbname", parameters["user"]);
  parameters.try_emplace("connect_timeout", "10");
  parameters.try_emplace("keepalives", "1");
  parameters.try_emplace("keepalives_idle", "30");
  parameters.try_emplace("keepalives_interval", "10");
  parameters.try_emplace("keepalives_count", "3");
  return conninfo;
}

Conninfo Conninfo::WithDatabase(const std::string& dbname) const {
  Conninfo other = *this;
  other.parameters_["dbname"] = dbname;
  return other;
}

Conninfo Conninfo::AsUser(const std::string& user) const {
  Conninfo other = *this;
  other.parameters_["user"] = user;
  other.password_.clear();
  return other;
}

std::string Conninfo::Describe() const {
  auto get = [this](const char* key, const char* fallback) {
    auto value = parameters_.find(key);
    return CleanText(value == parameters_.end() ? fallback : value->second, 256);
  };
  const std::string host = parameters_.contains("host") ? get("host", "") : get("hostaddr", "the local socket");
  return absl::StrCat("database \"", get("dbname", ""), "\" at ", host, ":", get("port", "5432"), " as user \"",
                      get("user", ""), "\"");
}

std::string Conninfo::ForChild(absl::string_view passfile, absl::string_view application_name) const {
  std::map<std::string, std::string> parameters = parameters_;
  parameters.try_emplace("application_name", application_name);
  if (!passfile.empty()) {
    parameters["passfile"] = std::string(passfile);
  }
  std::string text;
  for (const auto& [key, value] : parameters) {
    absl::StrAppend(&text, text.empty() ? "" : " ", key, "=", Quote(value));
  }
  return text;
}

std::string Conninfo::ForDatabaseName() const { return absl::StrCat("dbname=", Quote(dbname())); }

std::vector<std::pair<std::string, std::string>> Conninfo::ForLibpq(absl::string_view application_name) const {
  std::vector<std::pair<std::string, std::string>> pairs(parameters_.begin(), parameters_.end());
  if (!parameters_.contains("application_name")) {
    pairs.emplace_back("application_name", application_name);
  }
  if (!password_.empty()) {
    pairs.emplace_back("password", password_);
  }
  return pairs;
}

std::string Conninfo::Scrub(absl::string_view text) const {
  // A password that is also a name shown anyway, or so short that it occurs by chance, would only garble the message.
  const bool is_public_word = std::any_of(parameters_.begin(), parameters_.end(),
                                          [this](const auto& entry) { return entry.second == password_; });
  if (password_.size() < 4 || is_public_word) {
    return std::string(text);
  }
  return absl::StrReplaceAll(text, {{password_, "***"}, {PercentEncode(password_), "***"}});
}

void ClearLibpqEnvironment() {
  std::unique_ptr<PQconninfoOption, void (*)(PQconninfoOption*)> options(PQconndefaults(), PQconninfoFree);
  std::set<std::string> names = {"PGSERVICEFILE", "PGSYSCONFDIR", "PGREALM", "PGLOCALEDIR",
                                 "PGTZ",          "PGDATESTYLE",  "PGGEQO"};
  for (const PQconninfoOption* option = options.get(); option != nullptr && option->keyword != nullptr; ++option) {
    if (option->envvar != nullptr) {
      names.insert(option->envvar);
    }
  }
  for (const std::string& name : names) {
    unsetenv(name.c_str());
  }
}

}  // namespace backup::agent
