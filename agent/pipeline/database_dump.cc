// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/database_dump.h"

#include <memory>
#include <thread>

#include "absl/strings/str_cat.h"
#include "agent/pipeline/dump_stream.h"
#include "base/mutex.h"
#include "base/status_macros.h"

namespace backup::agent {
namespace {

using Arguments = std::vector<std::string>;

// Stops all streams when one fails, or when the job is cancelled.
class StreamGroup {
 public:
  explicit StreamGroup(Cancellation& job) : stop_with_job_(job, [this, &job] { stop_.Cancel(job.reason()); }) {}

  Cancellation& stop() { return stop_; }
  // Of the first that failed, all others were stopped because of it.
  void Report(const absl::Status& status) {
    if (status.ok()) {
      return;
    }
    {
      MutexLock lock(mu_);
      failed_.Update(status);
    }
    stop_.Cancel("another stream of the dump failed");
  }
  absl::Status failed() const {
    MutexLock lock(mu_);
    return failed_;
  }

 private:
  Cancellation stop_;
  const Cancellation::Registration stop_with_job_;
  mutable Mutex mu_;
  absl::Status failed_ ABSL_GUARDED_BY(mu_);
};

// One pg_dump into one store.
class DumpStream {
 public:
  DumpStream(const DumpCommand& command, Arguments arguments, RateLimit& rate, ProgressMeter& progress)
      : command_(command), arguments_(std::move(arguments)), rate_(rate), progress_(progress) {}

  absl::Status Run(DumpStore& store, Cancellation& stop) {
    Arguments arguments = command_.arguments;
    arguments.insert(arguments.end(), arguments_.begin(), arguments_.end());
    ASSIGN_OR_RETURN(
        std::unique_ptr<DumpProcess> process,
        DumpProcess::Start(command_.program, arguments, "--dbname=", command_.conninfo, command_.limits, stop));
    ASSIGN_OR_RETURN(stderr_lines_, RunDumpStream(*process, store, rate_, stop, &progress_));
    return absl::OkStatus();
  }

  // The same into a file of its own, for now.
  absl::Status RunAside(ArtifactWriter& writer, const std::string& name, const EncoderOptions& options,
                        Cancellation& stop) {
    ASSIGN_OR_RETURN(std::unique_ptr<DumpStore> store,
                     DumpStore::Create(writer, name, DumpScanner::Kind::kDatabase, options));
    RETURN_IF_ERROR(Run(*store, stop));
    RETURN_IF_ERROR(store->FinishScratch());
    stored_ = store->TakeResult();
    return absl::OkStatus();
  }

  const StoredDump& stored() const { return stored_; }
  const std::vector<std::string>& stderr_lines() const { return stderr_lines_; }

 private:
  const DumpCommand& command_;
  const Arguments arguments_;
  RateLimit& rate_;
  ProgressMeter& progress_;
  StoredDump stored_;
  std::vector<std::string> stderr_lines_;
};

// The streams of a plan: what comes before the data, the data of the tables in no other stream, the other streams, and
// what comes after the data.
struct Streams {
  Streams(const DumpCommand& command, const DumpPlan& plan, RateLimit& rate, ProgressMeter& progress)
      : before(command, {"--section=pre-data"}, rate, progress), rest(command, RestArguments(plan), rate, progress) {
    for (const std::vector<DumpableTable>& tables : plan.streams) {
      Arguments arguments = {"--section=data", "--strict-names"};
      for (const DumpableTable& table : tables) {
        arguments.push_back(absl::StrCat("--table=", TablePattern(table)));
      }
      aside.emplace_back(command, std::move(arguments), rate, progress);
    }
    aside.emplace_back(command, Arguments{"--section=post-data"}, rate, progress);
  }

  static Arguments RestArguments(const DumpPlan& plan) {
    Arguments arguments = {"--section=data"};
    for (const std::vector<DumpableTable>& tables : plan.streams) {
      for (const DumpableTable& table : tables) {
        arguments.push_back(absl::StrCat("--exclude-table-data=", TablePattern(table)));
      }
    }
    return arguments;
  }

  DumpStream before;
  DumpStream rest;
  std::vector<DumpStream> aside;  // In the order of the file, after `rest`.
};

}  // namespace

absl::StatusOr<DatabaseDump> DumpDatabase(ArtifactWriter& writer, const std::string& name, const DumpCommand& command,
                                          const DumpPlan& plan, const EncoderOptions& options,
                                          Cancellation& cancellation, ProgressMeter& progress) {
  DatabaseDump dump;
  RateLimit rate(command.max_bytes_per_second);
  ASSIGN_OR_RETURN(std::unique_ptr<DumpStore> store,
                   DumpStore::Create(writer, name, DumpScanner::Kind::kDatabase, options));
  if (plan.streams.empty()) {
    DumpStream whole(command, {}, rate, progress);
    RETURN_IF_ERROR(whole.Run(*store, cancellation));
    dump.stderr_lines = whole.stderr_lines();
  } else {
    Streams streams(command, plan, rate, progress);
    StreamGroup group(cancellation);
    std::vector<std::thread> threads;
    for (size_t i = 0; i < streams.aside.size(); ++i) {
      threads.emplace_back([&, i] {
        group.Report(streams.aside[i].RunAside(writer, absl::StrCat("part-", i + 1), options, group.stop()));
      });
    }
    absl::Status in_place = streams.before.Run(*store, group.stop());
    if (in_place.ok()) {
      in_place = streams.rest.Run(*store, group.stop());
    }
    group.Report(in_place);
    for (std::thread& thread : threads) {
      thread.join();
    }
    RETURN_IF_ERROR(group.failed());
    dump.stderr_lines = streams.before.stderr_lines();
    const auto add_lines = [&dump](const DumpStream& stream) {
      dump.stderr_lines.insert(dump.stderr_lines.end(), stream.stderr_lines().begin(), stream.stderr_lines().end());
    };
    add_lines(streams.rest);
    for (const DumpStream& stream : streams.aside) {
      RETURN_IF_ERROR(store->Append(stream.stored()));
      add_lines(stream);
    }
  }
  RETURN_IF_ERROR(store->Finish());
  dump.stored = store->TakeResult();
  return dump;
}

}  // namespace backup::agent
