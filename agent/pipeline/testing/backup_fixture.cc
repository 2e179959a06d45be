// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/testing/backup_fixture.h"

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "agent/pipeline/repository.h"
#include "agent/pipeline/testing/directory.h"
#include "base/proto_json.h"
#include "base/random.h"

namespace backup::agent::testing {
namespace {

using backup::testing::MiniPostgres;

void Must(const absl::Status& status) {
  if (!status.ok()) {
    std::cerr << status << std::endl;
    std::abort();
  }
}

// Ends with the tests, before static objects do.
class ServerEnvironment : public ::testing::Environment {
 public:
  MiniPostgres& Get() {
    if (server_ == nullptr) {
      backup::testing::MiniPostgresOptions options;
      options.tcp = true;
      auto server = MiniPostgres::Create(options);
      Must(server.status());
      server_ = *std::move(server);
    }
    return *server_;
  }
  void TearDown() override { server_.reset(); }

 private:
  std::unique_ptr<MiniPostgres> server_;
};

ServerEnvironment* const kEnvironment = new ServerEnvironment;
const ::testing::Environment* const kRegistered = ::testing::AddGlobalTestEnvironment(kEnvironment);

void WriteProgram(const std::string& path, const std::string& text) {
  std::ofstream(path) << text;
  chmod(path.c_str(), 0755);
}

}  // namespace

BackupFixture::BackupFixture() : repository_(dir_.File("repository")) {
  Must(Repository::Init(repository_, Random::Real(), absl::FromUnixSeconds(1795471200)).status());
}

MiniPostgres& BackupFixture::Server() { return kEnvironment->Get(); }

void BackupFixture::CreateDatabase(const std::string& name, const std::string& sql) {
  Must(Server().Execute(absl::StrCat("CREATE DATABASE ", QuoteIdentifier(name))));
  if (!sql.empty()) {
    Must(Server().Execute(sql, name));
  }
}

void BackupFixture::Drop(const std::string& database) {
  Must(Server().Execute(absl::StrCat("DROP DATABASE ", QuoteIdentifier(database))));
}

BackupRequest BackupFixture::Request(const std::string& database) {
  BackupRequest request;
  request.target.url = Server().Url(database);
  request.repository = repository_;
  request.agent = "local";
  request.database = database;
  request.backup_id = absl::StrFormat("20261123T220000Z-%010d", ++next_id_);
  *request.dump.mutable_lock_timeout() = ToProto(absl::Milliseconds(300));
  *request.dump.mutable_stall_timeout() = ToProto(absl::Seconds(30));
  *request.dump.mutable_timeout() = ToProto(absl::Seconds(60));
  request.pg_bindir = Server().bindir();
  return request;
}

absl::StatusOr<BackupOutcome> BackupFixture::Run(const BackupRequest& request) {
  return RunBackup(request, Clock::Real(), observer_, cancellation_);
}

std::string BackupFixture::FakePrograms(const std::string& script) {
  static int count = 0;
  const std::string bin = dir_.File(absl::StrCat("bin", ++count));
  mkdir(bin.c_str(), 0755);
  const std::string real = absl::StrCat(Server().bindir(), "/pg_dump");
  WriteProgram(bin + "/pg_dump",
               absl::StrCat("#!/bin/sh\nREAL=", real, "\ncase \"$1\" in --version) exec \"$REAL\" --version;; esac\n",
                            script, "\n"));
  WriteProgram(bin + "/pg_dumpall", absl::StrCat("#!/bin/sh\nexec ", Server().bindir(), "/pg_dumpall \"$@\"\n"));
  return bin;
}

std::vector<std::string> BackupFixture::ArtifactDirectories(const std::string& database) const {
  const std::string path = ArtifactPath(repository_, "local", database, "");
  return NamesIn(path);
}

std::string QuoteIdentifier(const std::string& name) {
  return absl::StrCat("\"", absl::StrReplaceAll(name, {{"\"", "\"\""}}), "\"");
}

std::vector<int> ProcessesWith(const std::string& text) {
  std::vector<int> found;
  for (const std::string& name : NamesIn("/proc")) {
    int pid = 0;
    if (!absl::SimpleAtoi(name, &pid) || pid == getpid()) {
      continue;
    }
    std::ifstream file(absl::StrCat("/proc/", pid, "/cmdline"));
    std::stringstream contents;
    contents << file.rdbuf();
    if (absl::StrContains(contents.str(), text)) {
      found.push_back(pid);
    }
  }
  return found;
}

bool AwaitNoProcessWith(const std::string& text) {
  for (int i = 0; i < 500; ++i) {
    if (ProcessesWith(text).empty()) {
      return true;
    }
    poll(nullptr, 0, 20);
  }
  return false;
}

}  // namespace backup::agent::testing
