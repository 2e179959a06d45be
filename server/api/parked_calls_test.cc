// SPDX-License-Identifier: Apache-2.0
#include "server/api/parked_calls.h"

#include <gtest/gtest.h>

#include <future>

#include "base/rpc/grpc_status.h"
#include "tests/testing/matchers.h"

namespace backup::server {
namespace {

using ::backup::testing::HasReason;
using ::backup::testing::IsOk;

// A call whose steps wait until the test lets them go.
class TestCall final : public ParkedCall {
 public:
  TestCall(ThreadPool& pool, ParkedCalls& calls) : ParkedCall(pool, calls) {}

  void Start(ChangeFeed& feed) {
    Park(feed, "runs/r1", [] {});
  }
  void AwaitStep() {
    MutexLock lock(mu_);
    while (step_count_ == allowed_) changed_.Wait(mu_);
  }
  void AllowStep() {
    MutexLock lock(mu_);
    ++allowed_;
    changed_.NotifyAll();
  }
  absl::Status AwaitFinish() { return finished_.get_future().get(); }
  int step_count() {
    MutexLock lock(mu_);
    return step_count_;
  }
  using ParkedCall::BeginWrite;
  using ParkedCall::EndWrite;
  using ParkedCall::Release;

 private:
  void Step() override {
    MutexLock lock(mu_);
    ++step_count_;
    changed_.NotifyAll();
    while (step_count_ > allowed_) changed_.Wait(mu_);
  }
  void FinishRpc(const grpc::Status& status) override { finished_.set_value(FromGrpcStatus(status)); }

  Mutex mu_;
  CondVar changed_;
  int step_count_ = 0;
  int allowed_ = 0;
  std::promise<absl::Status> finished_;
};

class ParkedCallsTest : public ::testing::Test {
 protected:
  std::shared_ptr<TestCall> StartCall() {
    auto call = std::make_shared<TestCall>(pool_, calls_);
    call->Start(feed_);
    return call;
  }
  // Through the pool's one thread: what was queued before has run.
  void DrainPool() {
    std::promise<void> drained;
    ASSERT_TRUE(pool_.TryAdd([&] { drained.set_value(); }));
    drained.get_future().wait();
  }

  ChangeFeed feed_;
  ParkedCalls calls_;
  ThreadPool pool_{"test", 1, 10};
};

TEST_F(ParkedCallsTest, AnyNumberOfWakesDuringAStepMakeOneMore) {
  const auto call = StartCall();
  call->AwaitStep();
  call->Wake();
  feed_.Publish("runs/r1");
  feed_.Publish("runs/other");
  call->AllowStep();
  call->AllowStep();
  DrainPool();
  DrainPool();
  EXPECT_EQ(call->step_count(), 2);
  EXPECT_TRUE(call->waiting());
  call->End(absl::OkStatus());
  EXPECT_THAT(call->AwaitFinish(), IsOk());
  call->Release();
}

TEST_F(ParkedCallsTest, EndsOnlyAfterTheStepThatIsUnderWay) {
  const auto call = StartCall();
  call->AwaitStep();
  call->End(absl::CancelledError("gone"));
  call->End(absl::OkStatus());
  EXPECT_FALSE(call->waiting());
  call->AllowStep();
  EXPECT_EQ(call->AwaitFinish().code(), absl::StatusCode::kCancelled);
  call->Wake();
  DrainPool();
  EXPECT_EQ(call->step_count(), 1);
  call->Release();
}

TEST_F(ParkedCallsTest, NeitherStepsNorEndsDuringAWrite) {
  const auto call = StartCall();
  call->AllowStep();
  call->AllowStep();
  DrainPool();
  call->BeginWrite();
  call->Wake();
  DrainPool();
  EXPECT_EQ(call->step_count(), 1);
  call->EndWrite();
  DrainPool();
  EXPECT_EQ(call->step_count(), 2);
  call->End(absl::OkStatus());
  EXPECT_THAT(call->AwaitFinish(), IsOk());
  call->Release();
}

TEST_F(ParkedCallsTest, EndsBusyWhenThePoolTakesNoMore) {
  ThreadPool closed("closed", 1, 1);
  closed.Shutdown();
  const auto call = std::make_shared<TestCall>(closed, calls_);
  call->Start(feed_);
  EXPECT_THAT(call->AwaitFinish(), HasReason("CONTROLLER_BUSY"));
  call->Release();
}

TEST_F(ParkedCallsTest, StopEndsThoseThatWaitAndThoseThatCome) {
  const auto waiting = StartCall();
  waiting->AllowStep();
  DrainPool();
  EXPECT_EQ(calls_.waiting_count(), 1u);
  calls_.Stop();
  EXPECT_THAT(waiting->AwaitFinish(), HasReason("CONTROLLER_STOPPING"));
  waiting->Release();
  EXPECT_EQ(calls_.waiting_count(), 0u);

  const auto late = StartCall();
  EXPECT_THAT(late->AwaitFinish(), HasReason("CONTROLLER_STOPPING"));
  late->Release();
}

TEST_F(ParkedCallsTest, LivesUntilReleasedAndNoLonger) {
  auto call = StartCall();
  call->AllowStep();
  DrainPool();
  const std::weak_ptr<TestCall> watched = call;
  call->End(absl::OkStatus());
  EXPECT_THAT(call->AwaitFinish(), IsOk());
  TestCall* raw = call.get();
  call.reset();
  EXPECT_FALSE(watched.expired());
  raw->Release();
  DrainPool();
  EXPECT_TRUE(watched.expired());
  feed_.Publish("runs/r1");
}

}  // namespace
}  // namespace backup::server
