// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/conninfo.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <libpq-fe.h>
#include <stdlib.h>

#include <map>
#include <random>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_dir.h"

namespace backup::agent {
namespace {

using ::backup::testing::HasReason;
using ::backup::testing::IsOk;
using ::backup::testing::TempDir;
using ::testing::HasSubstr;
using ::testing::Not;

// What libpq reads out of a keyword string.
std::map<std::string, std::string> ReadBack(const std::string& conninfo) {
  std::map<std::string, std::string> values;
  PQconninfoOption* options = PQconninfoParse(conninfo.c_str(), nullptr);
  for (PQconninfoOption* option = options; option != nullptr && option->keyword != nullptr; ++option) {
    if (option->val != nullptr) {
      values[option->keyword] = option->val;
    }
  }
  PQconninfoFree(options);
  return values;
}

TEST(ConninfoTest, TakesAUrlApart) {
  auto conninfo = Conninfo::Parse({"postgresql://bob:s%40cret@db.example:6432/shop?sslmode=require", ""});
  ASSERT_THAT(conninfo, IsOk());
  EXPECT_EQ(conninfo->dbname(), "shop");
  EXPECT_EQ(conninfo->user(), "bob");
  EXPECT_EQ(conninfo->password(), "s@cret");
  const auto child = ReadBack(conninfo->ForChild("/proc/self/fd/0", "backup-agent"));
  EXPECT_EQ(child.at("host"), "db.example");
  EXPECT_EQ(child.at("port"), "6432");
  EXPECT_EQ(child.at("sslmode"), "require");
  EXPECT_EQ(child.at("passfile"), "/proc/self/fd/0");
  EXPECT_EQ(child.at("application_name"), "backup-agent");
  EXPECT_FALSE(child.contains("password"));
}

TEST(ConninfoTest, UserAndDatabaseAreSaidEvenWhenTheUrlDoesNot) {
  auto conninfo = Conninfo::Parse({"postgresql:///?host=/run/postgresql", ""});
  ASSERT_THAT(conninfo, IsOk());
  EXPECT_FALSE(conninfo->user().empty());
  EXPECT_EQ(conninfo->dbname(), conninfo->user());
}

TEST(ConninfoTest, HostileDatabaseNamesStayNames) {
  for (const std::string name : {"dbname=template1 application_name=x", "postgresql://evil/x", "-d", "a'b\\c",
                                 "two\nlines", "sp ace", "a/b", "=", "'", "\\", "caf\xc3\xa9", "\xff\xfe"}) {
    std::string url = "host=/tmp user=u dbname='";
    for (char c : name) {
      url += (c == '\'' || c == '\\') ? absl::StrCat("\\", std::string(1, c)) : std::string(1, c);
    }
    url += "'";
    auto conninfo = Conninfo::Parse({url, ""});
    ASSERT_THAT(conninfo, IsOk()) << name;
    EXPECT_EQ(conninfo->dbname(), name);
    EXPECT_EQ(ReadBack(conninfo->ForChild("", "a")).at("dbname"), name);
    EXPECT_EQ(ReadBack(conninfo->ForDatabaseName()).at("dbname"), name);
    EXPECT_EQ(ReadBack(conninfo->ForDatabaseName()).size(), 1u);
  }
}

TEST(ConninfoTest, PasswordFileWins) {
  TempDir dir;
  const std::string file = dir.Write("password", "from file\r\nsecond line\n");
  auto conninfo = Conninfo::Parse({"postgresql://u:from-url@h/d", file});
  ASSERT_THAT(conninfo, IsOk());
  EXPECT_EQ(conninfo->password(), "from file");
}

TEST(ConninfoTest, MissingPasswordFileIsAuth) {
  EXPECT_THAT(Conninfo::Parse({"postgresql://u@h/d", "/nonexistent/password"}), HasReason("AUTH"));
}

TEST(ConninfoTest, RefusesWhatCannotBePassedOn) {
  for (const std::string url : {"", "service=prod", "host=h sslpassword=x", "host=h replication=database",
                                "postgresql://h:99999/d", "postgresql://h:12a/d", "host='a b' dbname=d", "nonsense"}) {
    EXPECT_THAT(Conninfo::Parse({url, ""}), HasReason("WRONG_DATABASE")) << url;
  }
  EXPECT_THAT(Conninfo::Parse({std::string("host=h\0dbname=d", 15), ""}), HasReason("WRONG_DATABASE"));
  EXPECT_THAT(Conninfo::Parse({"postgresql://u:a%0Ab@h/d", ""}), HasReason("AUTH"));
}

// Passwords with characters that should have been encoded: whatever becomes of the string, no message shows the rest.
TEST(ConninfoTest, AMisplacedPasswordIsNeverQuoted) {
  for (const std::string url :
       {"postgresql://u:p@CANARY@h/d", "postgresql://u:p/CANARY@h/d", "postgresql://u:1/CANARY@h/d",
        "postgresql://u:%zzCANARY@h/d", "postgresql://u:CANARY@h:port/d", "u:CANARY@h/d", "host=h password=a CANARY",
        "host=h password=a CANARY=b", "host=h password='CANARY", "postgresql://u@h/d?password=a&CANARY",
        "postgresql://u@h/d?CANARY=1", "postgresql://u:CANARY", "postgresql://[CANARY", "postgresql://u:a?x@CANARY@h/d",
        "postgresql://h/d?user=a&password=p@CANARY"}) {
    auto conninfo = Conninfo::Parse({url, ""});
    if (!conninfo.ok()) {
      EXPECT_THAT(conninfo.status().ToString(), Not(HasSubstr("CANARY"))) << url;
      EXPECT_THAT(ErrorHint(conninfo.status()), Not(HasSubstr("CANARY"))) << url;
    } else {
      EXPECT_THAT(conninfo->Describe(), Not(HasSubstr("CANARY"))) << url;
      EXPECT_THAT(conninfo->ForChild("", "a"), Not(HasSubstr("CANARY"))) << url;
    }
  }
}

TEST(ConninfoTest, FuzzedUrlsNeverShowTheirPassword) {
  std::mt19937 random(20261123);
  const std::string alphabet = "@:/?#[]%&=' \\+,;aZ09\n\xc3\xa9";
  auto noise = [&](int most) {
    std::string text;
    for (int i = static_cast<int>(random() % (most + 1)); i > 0; --i) {
      text += alphabet[random() % alphabet.size()];
    }
    return text;
  };
  int accepted = 0;
  for (int round = 0; round < 20000; ++round) {
    // The canary stands where a password stands; noise before it is part of the password, as a careless user writes it.
    std::string url;
    switch (random() % 3) {
      case 0:
        url = absl::StrCat("postgresql://user:", noise(3), "CANARY", noise(3), "@host/db", noise(2));
        break;
      case 1:
        url = absl::StrCat("postgres://user:", noise(6), "CANARY@host:5432/db?sslmode=disable", noise(3));
        break;
      default:
        url = absl::StrCat("host=h user=u password='", noise(3), "CANARY", noise(3), "' dbname=d", noise(2));
    }
    auto conninfo = Conninfo::Parse({url, ""});
    if (!conninfo.ok()) {
      ASSERT_THAT(absl::StrCat(conninfo.status().ToString(), ErrorHint(conninfo.status())), Not(HasSubstr("CANARY")))
          << url;
      continue;
    }
    ++accepted;
    ASSERT_THAT(conninfo->Describe(), Not(HasSubstr("CANARY"))) << url;
    ASSERT_THAT(conninfo->ForChild("", "a"), Not(HasSubstr("CANARY"))) << url;
    ASSERT_THAT(conninfo->Scrub(absl::StrCat("server said: ", conninfo->password())), Not(HasSubstr("CANARY"))) << url;
  }
  EXPECT_GT(accepted, 100);  // The generator still makes strings that are well formed.
}

TEST(ConninfoTest, ScrubTakesThePasswordOutRawAndEncoded) {
  auto conninfo = Conninfo::Parse({"postgresql://u:p%40ss%2Fword@h/d", ""});
  ASSERT_THAT(conninfo, IsOk());
  EXPECT_EQ(conninfo->Scrub("a p@ss/word b p%40ss%2Fword c"), "a *** b *** c");
}

TEST(ConninfoTest, ScrubLeavesWordsThatAreShownAnyway) {
  auto conninfo = Conninfo::Parse({"postgresql://postgres:postgres@h/d", ""});
  ASSERT_THAT(conninfo, IsOk());
  EXPECT_EQ(conninfo->Scrub("user \"postgres\""), "user \"postgres\"");
}

TEST(ConninfoTest, ClearsWhatLibpqWouldReadFromTheEnvironment) {
  setenv("PGHOST", "elsewhere", 1);
  setenv("PGPASSWORD", "x", 1);
  setenv("PGSERVICE", "x", 1);
  setenv("PGSSLMODE", "require", 1);
  ClearLibpqEnvironment();
  EXPECT_EQ(getenv("PGHOST"), nullptr);
  EXPECT_EQ(getenv("PGPASSWORD"), nullptr);
  EXPECT_EQ(getenv("PGSERVICE"), nullptr);
  EXPECT_EQ(getenv("PGSSLMODE"), nullptr);
}

}  // namespace
}  // namespace backup::agent
