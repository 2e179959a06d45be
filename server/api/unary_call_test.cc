// SPDX-License-Identifier: Apache-2.0
#include "server/api/unary_call.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "backup/v1/policy_service.grpc.pb.h"
#include "base/errors.h"
#include "server/api/api_test_server.h"
#include "tests/testing/matchers.h"

namespace backup::server {
namespace {

using ::backup::testing::HasReason;
using ::backup::testing::StatusIs;
using PolicyServiceStub = v1::PolicyService::Stub;

// A catalog whose GetPolicy waits until the test opens it.
class GatedStore : public testing::FakeStore {
 public:
  absl::StatusOr<v1::Policy> GetPolicy(absl::string_view name) override {
    {
      MutexLock lock(mu_);
      ++entered_count_;
      changed_.NotifyAll();
      while (!open_) changed_.Wait(mu_);
    }
    return FakeStore::GetPolicy(name);
  }
  void AwaitEntered() {
    MutexLock lock(mu_);
    while (entered_count_ == 0) changed_.Wait(mu_);
  }
  void Open() {
    MutexLock lock(mu_);
    open_ = true;
    changed_.NotifyAll();
  }
  int entered_count() {
    MutexLock lock(mu_);
    return entered_count_;
  }

 private:
  Mutex mu_;
  CondVar changed_;
  bool open_ = false;
  int entered_count_ = 0;
};

class UnaryCallTest : public ::testing::Test {
 protected:
  // A call whose end the test can wait for.
  struct Pending {
    grpc::ClientContext context;
    v1::GetPolicyRequest request;
    v1::Policy response;
    std::promise<absl::Status> done;
    absl::Status Await() { return done.get_future().get(); }
  };
  std::unique_ptr<Pending> Start() {
    auto pending = std::make_unique<Pending>();
    pending->request.set_name("policies/nightly");
    stub_->async()->GetPolicy(
        &pending->context, &pending->request, &pending->response,
        [raw = pending.get()](const grpc::Status& status) { raw->done.set_value(FromGrpcStatus(status)); });
    return pending;
  }
  static std::vector<std::future<absl::Status>> EndsOf(const std::vector<std::unique_ptr<Pending>>& calls) {
    std::vector<std::future<absl::Status>> ends;
    for (const auto& call : calls) {
      ends.push_back(call->done.get_future());
    }
    return ends;
  }
  // Waits a little for each.
  static int CountEnded(std::vector<std::future<absl::Status>>& ends) {
    int count = 0;
    for (auto& end : ends) {
      count += end.wait_for(std::chrono::milliseconds(1)) == std::future_status::ready ? 1 : 0;
    }
    return count;
  }

  GatedStore store_;
  ThreadPool pool_{"narrow", 1, 1};
  ApiTestServer server_{&store_, &pool_};
  const std::unique_ptr<PolicyServiceStub> stub_ = v1::PolicyService::NewStub(server_.Dial(server_.User()));
};

TEST_F(UnaryCallTest, RefusesCallsBeyondTheQueueAndAnswersTheOthers) {
  const auto working = Start();
  store_.AwaitEntered();
  // One more fits into the queue; of several, all but one are refused, whichever they are.
  std::vector<std::unique_ptr<Pending>> more;
  for (int i = 0; i < 5; ++i) {
    more.push_back(Start());
  }
  std::vector<std::future<absl::Status>> ends = EndsOf(more);
  while (CountEnded(ends) < 4) {
  }
  store_.Open();
  EXPECT_THAT(working->Await(), HasReason("POLICY_NOT_FOUND"));
  int refused_count = 0;
  for (auto& end : ends) {
    const absl::Status status = end.get();
    refused_count += status.code() == absl::StatusCode::kResourceExhausted ? 1 : 0;
    EXPECT_THAT(status, ::testing::AnyOf(HasReason("CONTROLLER_BUSY"), HasReason("POLICY_NOT_FOUND")));
  }
  EXPECT_EQ(refused_count, 4);
}

TEST_F(UnaryCallTest, DoesNotBeginWorkForACallerWhoHasGone) {
  const auto working = Start();
  store_.AwaitEntered();
  const auto queued = Start();
  queued->context.TryCancel();
  EXPECT_THAT(queued->Await(), StatusIs(absl::StatusCode::kCancelled));
  // The server hears of it later than the caller: not after what comes later on the same connection. Of these all but
  // one, if the cancelled call never came into the queue, are refused at once.
  std::vector<std::unique_ptr<Pending>> later;
  for (int i = 0; i < 20; ++i) {
    later.push_back(Start());
  }
  std::vector<std::future<absl::Status>> ends = EndsOf(later);
  while (CountEnded(ends) < 19) {
  }
  store_.Open();
  EXPECT_THAT(working->Await(), HasReason("POLICY_NOT_FOUND"));
  int answered_count = 1;
  for (auto& end : ends) {
    answered_count += ErrorReason(end.get()) == "POLICY_NOT_FOUND" ? 1 : 0;
  }
  // Whatever comes next runs after the cancelled one was passed over, which has its place in the queue until then.
  absl::Status next;
  do {
    next = Start()->Await();
  } while (ErrorReason(next) == "CONTROLLER_BUSY");
  EXPECT_THAT(next, HasReason("POLICY_NOT_FOUND"));
  EXPECT_EQ(store_.entered_count(), answered_count + 1);
}

TEST_F(UnaryCallTest, StoppingWaitsForACallThatIsUnderWay) {
  const auto working = Start();
  store_.AwaitEntered();
  auto stopped = std::async(std::launch::async, [&] { server_.Shutdown(); });
  store_.Open();
  EXPECT_THAT(working->Await(), HasReason("POLICY_NOT_FOUND"));
  stopped.get();
}

}  // namespace
}  // namespace backup::server
