// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/list_measures.h"

#include <algorithm>
#include <cstdio>
#include <functional>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status_macros.h"
#include "tests/bench/latency.h"

namespace backup::bench {
namespace {

constexpr absl::Duration kListLimit = absl::Milliseconds(20);
constexpr int kDeepPages = 30;

// A filter with what it is called.
template <typename Filter>
struct NamedFilter {
  std::string name;
  Filter filter;
};

// Each value of one field beside each of another: `fields` hold the choices for a field, the first one leaving it open.
template <typename Filter>
using Choice = std::pair<std::string, std::function<void(Filter&)>>;

template <typename Filter>
std::vector<NamedFilter<Filter>> Product(const std::vector<std::vector<Choice<Filter>>>& fields) {
  std::vector<NamedFilter<Filter>> filters(1);
  for (const std::vector<Choice<Filter>>& choices : fields) {
    std::vector<NamedFilter<Filter>> longer;
    for (const NamedFilter<Filter>& filter : filters) {
      for (const auto& [name, set] : choices) {
        NamedFilter<Filter> next = filter;
        if (set != nullptr) set(next.filter);
        if (!name.empty()) next.name = next.name.empty() ? name : absl::StrCat(next.name, " + ", name);
        longer.push_back(std::move(next));
      }
    }
    filters = std::move(longer);
  }
  for (NamedFilter<Filter>& filter : filters) {
    if (filter.name.empty()) filter.name = "none";
  }
  return filters;
}

template <typename Filter>
Choice<Filter> States(const std::string& name, std::vector<int> states) {
  return {name, [states](Filter& filter) {
            for (const int state : states) filter.mutable_states()->Add(state);
          }};
}

// Whose rows: of all, of policies, agents and databases with many and with few rows, and of two at once.
template <typename Filter>
std::vector<Choice<Filter>> Scopes() {
  const auto policy = [](const std::string& id) {
    return [id](Filter& filter) { filter.set_policy("policies/" + id); };
  };
  const auto agent = [](const std::string& id) { return [id](Filter& filter) { filter.set_agent("agents/" + id); }; };
  const auto database = [](const std::string& id) {
    return [id](Filter& filter) { filter.set_database("agents/" + id); };
  };
  const auto both = [](auto a, auto b) {
    return [a, b](Filter& filter) {
      a(filter);
      b(filter);
    };
  };
  return {{"", nullptr},
          {"large policy", policy("nightly")},
          {"hourly policy", policy("all-hourly")},
          {"small policy", policy("small-0")},
          {"empty policy", policy("small-29")},
          {"agent", agent("db-00123")},
          {"agent of 50 databases", agent("warehouse")},
          {"database", database("db-00123/databases/orders")},
          {"hourly database", database("warehouse/databases/mart_01")},
          {"policy and agent", both(policy("nightly"), agent("warehouse"))},
          {"policy without rows and agent", both(policy("small-0"), agent("warehouse"))},
          {"policy and database", both(policy("nightly"), database("warehouse/databases/mart_01"))},
          {"agent and database", both(agent("warehouse"), database("warehouse/databases/mart_01"))}};
}

std::vector<NamedFilter<v1::RunFilter>> RunFilters() {
  using F = v1::RunFilter;
  const auto kinds = [](const std::string& name, std::vector<int> kinds) -> Choice<F> {
    return {name, [kinds](F& filter) {
              for (const int kind : kinds) filter.mutable_kinds()->Add(kind);
            }};
  };
  return Product<F>({Scopes<F>(),
                     {{"", nullptr},
                      States<F>("succeeded", {v1::SUCCEEDED}),
                      States<F>("failed", {v1::FAILED}),
                      States<F>("lost", {v1::LOST}),
                      States<F>("cancelled or lost", {v1::CANCELLED, v1::LOST}),
                      States<F>("scheduled", {v1::SCHEDULED}),
                      States<F>("all but scheduled", {v1::PENDING, v1::RUNNING, v1::SUCCEEDED, v1::FAILED,
                                                      v1::CANCELLED, v1::LOST, v1::MISSED, v1::SKIPPED})},
                     {{"", nullptr},
                      kinds("backups", {v1::BACKUP}),
                      kinds("drills", {v1::DRILL}),
                      kinds("verifications and restores", {v1::VERIFY, v1::RESTORE})}});
}

std::vector<NamedFilter<v1::BackupFilter>> BackupFilters() {
  using F = v1::BackupFilter;
  return Product<F>({Scopes<F>(),
                     {{"", nullptr},
                      States<F>("good", {v1::GOOD}),
                      States<F>("suspicious", {v1::SUSPICIOUS}),
                      States<F>("suspicious or bad", {v1::SUSPICIOUS, v1::BAD}),
                      States<F>("deleted", {v1::DELETED}),
                      States<F>("all but deleted", {v1::GOOD, v1::SUSPICIOUS, v1::BAD, v1::DELETING})}});
}

// Times `calls` first pages of each filter and the pages deep behind them; prints a row for each of them all, and the
// slowest filters by name.
template <typename Filter, typename List>
absl::Status MeasureList(const std::string& what, const std::vector<NamedFilter<Filter>>& filters, int size, int calls,
                         const List& list) {
  Latency first(absl::StrCat(what, ", first pages of ", size, ", ", filters.size(), " filters"));
  Latency deep(absl::StrCat(what, ", later pages of ", size));
  std::vector<std::pair<absl::Duration, std::string>> by_filter;
  for (const NamedFilter<Filter>& filter : filters) {
    Latency own(absl::StrCat(what, " of ", size, ": ", filter.name));
    std::string token;
    for (int i = 0; i < calls; ++i) {
      RETURN_IF_ERROR(own.Time([&] {
        const auto page = list(filter.filter, server::PageRequest{size, ""});
        if (page.ok()) token = page->next_token;
        return page.status();
      }));
    }
    first.Add(own);
    by_filter.emplace_back(own.Quantile(0.99), own.Row(kListLimit));
    Latency own_deep(absl::StrCat(what, " of ", size, ", deep: ", filter.name));
    for (int i = 0; i < kDeepPages && !token.empty(); ++i) {
      RETURN_IF_ERROR(own_deep.Time([&] {
        const auto page = list(filter.filter, server::PageRequest{size, token});
        token = page.ok() ? page->next_token : "";
        return page.status();
      }));
    }
    deep.Add(own_deep);
    by_filter.emplace_back(own_deep.Quantile(0.99), own_deep.Row(kListLimit));
  }
  std::sort(by_filter.rbegin(), by_filter.rend());
  const absl::Duration limit = size <= 100 ? kListLimit : absl::InfiniteDuration();
  std::printf("%s\n%s\n", first.Row(limit).c_str(), deep.Row(limit).c_str());
  for (size_t i = 0; i < 5 && i < by_filter.size(); ++i) std::printf("%s\n", by_filter[i].second.c_str());
  std::fflush(stdout);
  return absl::OkStatus();
}

}  // namespace

absl::Status MeasureLists(server::Store& store, const BenchFleet&, const MeasureOptions& options) {
  for (const int size : {100, 1000}) {
    if (absl::StrContains("run list", options.only)) {
      RETURN_IF_ERROR(MeasureList(
          "run list", RunFilters(), size, options.calls,
          [&](const v1::RunFilter& filter, const server::PageRequest& page) { return store.ListRuns(filter, page); }));
    }
    if (absl::StrContains("backup list", options.only)) {
      RETURN_IF_ERROR(MeasureList("backup list", BackupFilters(), size, options.calls,
                                  [&](const v1::BackupFilter& filter, const server::PageRequest& page) {
                                    return store.ListBackups(filter, page);
                                  }));
    }
  }
  return absl::OkStatus();
}

}  // namespace backup::bench
