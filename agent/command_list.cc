// SPDX-License-Identifier: Apache-2.0
#include "agent/command_list.h"

#include <algorithm>
#include <ostream>
#include <vector>

#include "absl/strings/str_cat.h"
#include "agent/command_error.h"
#include "agent/command_summary.h"
#include "agent/pipeline/manifest_file.h"
#include "agent/pipeline/repository.h"
#include "base/errors.h"
#include "base/proto_json.h"
#include "base/text.h"
#include "base/units.h"

namespace backup::agent {
namespace {

using Row = std::vector<std::string>;

void PrintTable(const std::vector<Row>& rows, std::ostream& out) {
  std::vector<size_t> widths(rows.front().size());
  for (const Row& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], row[i].size());
    }
  }
  for (const Row& row : rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      const bool last = i + 1 == row.size();
      absl::StrAppend(&line, row[i], last ? "" : std::string(widths[i] - row[i].size() + 2, ' '));
    }
    out << line << "\n";
  }
}

std::vector<Row> TableOf(const std::vector<StoredArtifact>& artifacts, absl::Time now) {
  std::vector<Row> rows = {{"BACKUP", "AGENT", "DATABASE", "SNAPSHOT", "ROWS", "SIZE", "STATE"}};
  for (const StoredArtifact& artifact : artifacts) {
    Row row = {artifact.backup_id, CleanText(artifact.agent, 63), CleanText(artifact.database, 100)};
    if (artifact.manifest.ok()) {
      const v1::Manifest& manifest = *artifact.manifest;
      row.insert(row.end(), {FormatRelative(ToAbsl(manifest.snapshot_time()), now), absl::StrCat(TotalRows(manifest)),
                             FormatSize(TotalStoredBytes(manifest)), "STORED"});
    } else {
      row.insert(row.end(), {"-", "-", "-", absl::StrCat("BAD: ", std::string(artifact.manifest.status().message()))});
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

void PrintJson(const std::vector<StoredArtifact>& artifacts, std::ostream& out) {
  const char* separator = "[";
  for (const StoredArtifact& artifact : artifacts) {
    if (artifact.manifest.ok()) {
      out << separator << "\n" << ToJson(*artifact.manifest);
      separator = ",";
    }
  }
  out << (*separator == '[' ? "[]\n" : "\n]\n");
}

}  // namespace

int RunListCommand(const ListCommandOptions& options, absl::Time now, std::ostream& out, std::ostream& err) {
  if (options.output != "table" && options.output != "json" && options.output != "name") {
    return PrintCommandError(UsageError("-o must be table, json or name"), err);
  }
  absl::StatusOr<std::vector<StoredArtifact>> artifacts = ListArtifacts(RepositoryOrDefault(options.repository));
  if (!artifacts.ok()) {
    return PrintCommandError(artifacts.status(), err);
  }
  if (options.output == "json") {
    PrintJson(*artifacts, out);
    for (const StoredArtifact& artifact : *artifacts) {
      if (!artifact.manifest.ok()) {
        err << "warning: " << CleanText(artifact.path) << ": " << artifact.manifest.status().message() << "\n";
      }
    }
  } else if (options.output == "name") {
    for (const StoredArtifact& artifact : *artifacts) {
      out << CleanText(artifact.path) << "\n";
    }
  } else if (artifacts->empty()) {
    err << "no backup is stored there yet\n";
  } else {
    PrintTable(TableOf(*artifacts, now), out);
  }
  out.flush();
  return 0;
}

}  // namespace backup::agent
