// SPDX-License-Identifier: Apache-2.0
#include <google/protobuf/text_format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "server/domain/selector.h"
#include "tests/golden/fake_controller.h"

namespace backup::testing {
namespace {

namespace fs = std::filesystem;

std::string ReadAll(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// A file that is there and wrong is a mistake of the test's author: no test can go on.
void Parse(const std::string& text, const fs::path& path, google::protobuf::Message* message) {
  if (google::protobuf::TextFormat::ParseFromString(text, message)) return;
  std::cerr << path << " is no " << message->GetTypeName() << std::endl;
  std::abort();
}

void ParseFile(const fs::path& path, google::protobuf::Message* message) {
  if (fs::exists(path)) Parse(ReadAll(path), path, message);
}

}  // namespace

FakeFleet FakeFleet::Read(const std::string& directory) {
  const fs::path dir(directory);
  if (!fs::is_directory(dir)) {
    std::cerr << dir << " is no directory" << std::endl;
    std::abort();
  }
  FakeFleet fleet;
  ParseFile(dir / "policies.txtpb", &fleet.policies);
  ParseFile(dir / "agents.txtpb", &fleet.agents);
  ParseFile(dir / "databases.txtpb", &fleet.databases);
  ParseFile(dir / "runs.txtpb", &fleet.runs);
  ParseFile(dir / "backups.txtpb", &fleet.backups);
  ParseFile(dir / "retention.txtpb", &fleet.retention);
  ParseFile(dir / "simulation.txtpb", &fleet.simulation);
  ParseFile(dir / "report.txtpb", &fleet.report);
  ParseFile(dir / "status.txtpb", &fleet.status);
  ParseFile(dir / "controller.txtpb", &fleet.controller);
  ParseFile(dir / "events.txtpb", &fleet.events);
  ParseFile(dir / "log.txtpb", &fleet.log);
  ParseFile(dir / "created.txtpb", &fleet.created);
  for (const fs::directory_entry& entry : fs::directory_iterator(dir)) {
    const std::string stem = entry.path().stem().string();
    if (absl::StartsWith(stem, "outlook_")) ParseFile(entry.path(), &fleet.outlooks["backups/" + stem.substr(8)]);
    if (!absl::StartsWith(stem, "watch_")) continue;
    std::vector<v1::WatchRunResponse>& script = fleet.watch["runs/" + stem.substr(6)];
    for (absl::string_view part : absl::StrSplit(ReadAll(entry.path()), "---\n")) {
      Parse(std::string(part), entry.path(), &script.emplace_back());
    }
  }
  return fleet;
}

int64_t FakeFleet::CountCovered(const v1::PolicySpec& spec) const {
  return std::count_if(databases.databases().begin(), databases.databases().end(),
                       [&](const v1::Database& database) { return server::Covers(spec, database); });
}

}  // namespace backup::testing
