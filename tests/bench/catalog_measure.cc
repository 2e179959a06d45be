// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/catalog_measure.h"

#include <cstdio>
#include <memory>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/status_macros.h"
#include "server/store/postgres_store.h"
#include "tests/bench/latency.h"
#include "tests/bench/list_measures.h"
#include "tests/bench/loop_measures.h"

namespace backup::bench {
namespace {

// Of this process, in kB.
std::string ResidentSize() {
  const std::string text = ReadFile("/proc/self/status", 1 << 16).value_or("");
  const size_t begin = text.find("VmRSS:");
  if (begin == std::string::npos) return "unknown";
  const size_t end = text.find('\n', begin);
  return std::string(absl::StripAsciiWhitespace(text.substr(begin + 6, end - begin - 6)));
}

}  // namespace

absl::Status MeasureCatalog(const std::string& url, const BenchFleet& fleet, const MeasureOptions& options) {
  server::PostgresStoreOptions store_options;
  store_options.url = url;
  ASSIGN_OR_RETURN(const std::unique_ptr<server::PostgresStore> store, server::PostgresStore::Create(store_options));
  RETURN_IF_ERROR(PlanAhead(*store, fleet));
  std::printf("memory of this process: %s\n%s\n", ResidentSize().c_str(), Latency::Header().c_str());
  RETURN_IF_ERROR(MeasureLists(*store, fleet, options));
  RETURN_IF_ERROR(MeasureLoops(*store, fleet, options));
  std::printf("memory of this process: %s\n", ResidentSize().c_str());
  return absl::OkStatus();
}

}  // namespace backup::bench
