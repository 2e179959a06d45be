// SPDX-License-Identifier: Apache-2.0
// A catalog as large as they get, and how long its verbs take. Run by hand; docs/performance.md says how.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/status_macros.h"
#include "server/store/migrations.h"
#include "tests/bench/catalog_fill.h"
#include "tests/bench/catalog_measure.h"
#include "tests/testing/mini_postgres.h"

namespace backup::bench {
namespace {

struct Flags {
  std::string catalog;
  double scale = 1;
  bool fill = false;
  bool measure = false;
  MeasureOptions measures;
};

absl::Status Fill(const std::string& url, const BenchFleet& fleet) {
  const absl::Duration start = Clock::Real().Monotonic();
  RETURN_IF_ERROR(server::ApplyMigrations(url));
  RETURN_IF_ERROR(FillCatalog(url, fleet));
  std::printf("filled in %.0f s\n", absl::ToDoubleSeconds(Clock::Real().Monotonic() - start));
  return absl::OkStatus();
}

absl::Status Run(const Flags& flags) {
  CatalogSize size;
  size.agent_count = std::max(10, static_cast<int>(size.agent_count * flags.scale));
  size.backup_count = static_cast<int64_t>(static_cast<double>(size.backup_count) * flags.scale);
  size.run_count = static_cast<int64_t>(static_cast<double>(size.run_count) * flags.scale);
  const BenchFleet fleet(size);
  std::string url = flags.catalog;
  std::unique_ptr<testing::MiniPostgres> server;
  if (url.empty()) {
    testing::MiniPostgresOptions options;
    options.settings = {{"shared_buffers", "256MB"}, {"max_wal_size", "8GB"}};
    ASSIGN_OR_RETURN(server, testing::MiniPostgres::Create(options));
    RETURN_IF_ERROR(server->Execute("CREATE DATABASE catalog"));
    url = server->Url("catalog");
  }
  const bool both = !flags.fill && !flags.measure;
  if (flags.fill || both) RETURN_IF_ERROR(Fill(url, fleet));
  if (flags.measure || both) {
    RETURN_IF_ERROR(server::ApplyMigrations(url));
    return MeasureCatalog(url, fleet, flags.measures);
  }
  return absl::OkStatus();
}

}  // namespace
}  // namespace backup::bench

int main(int argc, char** argv) {
  CLI::App app("Fills a catalog with a made-up fleet and measures the controller's own code against it.");
  backup::bench::Flags flags;
  app.add_option("--catalog", flags.catalog,
                 "URL of an empty database, or with --measure of one filled before; by default a throwaway server");
  app.add_option("--scale", flags.scale, "1 for 10,000 agents, 1,000,000 backups, 3,000,000 runs");
  app.add_flag("--fill", flags.fill, "only fill");
  app.add_flag("--measure", flags.measure, "only measure; needs --catalog");
  app.add_option("--calls", flags.measures.calls, "calls of each verb with each filter");
  app.add_option("--only", flags.measures.only, "only measures whose name holds this");
  CLI11_PARSE(app, argc, argv);
  const absl::Status status = backup::bench::Run(flags);
  if (!status.ok()) std::fprintf(stderr, "error: %s\n", std::string(status.message()).c_str());
  return status.ok() ? 0 : 1;
}
