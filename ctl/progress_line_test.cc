// SPDX-License-Identifier: Apache-2.0
#include "ctl/progress_line.h"

#include <gtest/gtest.h>

#include "base/proto_json.h"
#include "ctl/display_width.h"

namespace backup::ctl {
namespace {

constexpr int64_t kMiB = 1 << 20;

v1::Progress At(double seconds, int64_t plain_bytes, v1::RunPhase phase = v1::DUMPING) {
  v1::Progress progress;
  progress.set_phase(phase);
  progress.set_plain_bytes(plain_bytes);
  progress.set_estimated_plain_bytes(400 * kMiB);
  *progress.mutable_update_time() = ToProto(absl::FromUnixSeconds(1795507200) + absl::Seconds(seconds));
  return progress;
}

v1::Run Running(const v1::Progress& progress) {
  v1::Run run;
  run.set_state(v1::RUNNING);
  run.set_database("agents/db1/databases/shop");
  *run.mutable_progress() = progress;
  return run;
}

TEST(ProgressMeterTest, MeasuresTheLastReports) {
  ProgressMeter meter;
  EXPECT_EQ(meter.BytesPerSecond(), std::nullopt);
  meter.Add(At(0, 0));
  EXPECT_EQ(meter.BytesPerSecond(), std::nullopt);
  meter.Add(At(10, 100 * kMiB));
  EXPECT_EQ(meter.BytesPerSecond(), 10.0 * kMiB);
  // It slowed down; what was long ago does not count any more.
  meter.Add(At(30, 120 * kMiB));
  meter.Add(At(50, 140 * kMiB));
  EXPECT_EQ(meter.BytesPerSecond(), 1.0 * kMiB);
}

TEST(ProgressMeterTest, BeginsAnewWithEachPhase) {
  ProgressMeter meter;
  meter.Add(At(0, 0));
  meter.Add(At(10, 100 * kMiB));
  meter.Add(At(20, 0, v1::VERIFYING));
  EXPECT_EQ(meter.BytesPerSecond(), std::nullopt);
}

TEST(ProgressMeterTest, TakesNoReportTwice) {
  ProgressMeter meter;
  meter.Add(At(5, 10));
  meter.Add(At(5, 10));
  meter.Add(At(4, 5));
  EXPECT_EQ(meter.BytesPerSecond(), std::nullopt);
}

TEST(ProgressLineTest, TellsShareRateAndTimeLeft) {
  ProgressMeter meter;
  meter.Add(At(0, 0));
  meter.Add(At(10, 100 * kMiB));

  EXPECT_EQ(ProgressLine(Running(At(10, 100 * kMiB)), meter, 120),
            "db1/shop  dumping  [#####---------------]  ≈25%  100.0 MiB of ≈400.0 MiB  10.0 MiB/s  ≈30s left");
  EXPECT_EQ(ProgressLine(Running(At(10, 100 * kMiB)), meter, std::nullopt),
            "db1/shop  dumping  ≈25%  100.0 MiB of ≈400.0 MiB  10.0 MiB/s  ≈30s left");
}

TEST(ProgressLineTest, FitsTheTerminal) {
  ProgressMeter meter;
  meter.Add(At(0, 0));
  meter.Add(At(10, 100 * kMiB));
  for (int columns = 10; columns < 120; ++columns) {
    EXPECT_LE(DisplayWidth(ProgressLine(Running(At(10, 100 * kMiB)), meter, columns)), columns);
  }
}

TEST(ProgressLineTest, NeverSaysDoneBeforeItIs) {
  EXPECT_EQ(ProgressLine(Running(At(0, 900 * kMiB)), ProgressMeter(), std::nullopt),
            "db1/shop  dumping  ≈99%  900.0 MiB of ≈400.0 MiB");
}

TEST(ProgressLineTest, GuessesNothingWithoutAnEstimate) {
  v1::Progress progress = At(0, 5 * kMiB);
  progress.clear_estimated_plain_bytes();
  EXPECT_EQ(ProgressLine(Running(progress), ProgressMeter(), 80), "db1/shop  dumping  5.0 MiB");
}

TEST(ProgressLineTest, SaysWhatIsWaitedFor) {
  v1::Run run;
  run.set_database("agents/db1/databases/shop");
  run.set_state(v1::PENDING);
  EXPECT_EQ(ProgressLine(run, ProgressMeter(), 80), "db1/shop  waiting for the agent");
  run.set_cancel_requested(true);
  EXPECT_EQ(ProgressLine(run, ProgressMeter(), 80), "db1/shop  stopping");
}

TEST(ProgressLineTest, CleansNames) {
  v1::Run run;
  run.set_database("agents/db1/databases/a%1B%5B31m");
  run.set_state(v1::PENDING);
  EXPECT_EQ(ProgressLine(run, ProgressMeter(), 80), "db1/a\\x1b[31m  waiting for the agent");
}

}  // namespace
}  // namespace backup::ctl
