// SPDX-License-Identifier: Apache-2.0
#include "server/api/policy_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/proto_json.h"
#include "server/api/api_test_server.h"
#include "tests/testing/matchers.h"

namespace backup::server {
namespace {

using ::backup::testing::EqualsProto;
using ::backup::testing::HasReason;
using ::backup::testing::IsOk;
using ::backup::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Property;
using ::testing::SizeIs;
using PolicyServiceStub = v1::PolicyService::Stub;

v1::Policy NewPolicy(const std::string& id) {
  v1::Policy policy;
  policy.set_name("policies/" + id);
  policy.mutable_spec()->add_databases()->set_agent("db*");
  policy.mutable_spec()->mutable_schedule()->set_cron("0 22 * * *");
  policy.mutable_spec()->mutable_retention()->set_keep_last(3);
  return policy;
}

class PolicyServiceTest : public ::testing::Test {
 protected:
  absl::StatusOr<v1::Policy> Create(const v1::Policy& policy, bool validate_only = false) {
    v1::CreatePolicyRequest request;
    *request.mutable_policy() = policy;
    request.set_validate_only(validate_only);
    return Call(stub_, &PolicyServiceStub::CreatePolicy, request);
  }
  absl::StatusOr<v1::Policy> Get(const std::string& name) {
    v1::GetPolicyRequest request;
    request.set_name(name);
    return Call(stub_, &PolicyServiceStub::GetPolicy, request);
  }
  size_t EventCount() { return server_.store().events().size(); }

  ApiTestServer server_;
  const std::unique_ptr<PolicyServiceStub> stub_ = v1::PolicyService::NewStub(server_.Dial(server_.User("alice")));
};

TEST_F(PolicyServiceTest, CreatesAPolicyWithDefaultsAndEtagInTheNameOfTheUser) {
  const absl::StatusOr<v1::Policy> created = Create(NewPolicy("nightly"));
  ASSERT_THAT(created, IsOk());
  EXPECT_EQ(created->spec().dump().jobs(), 1);
  EXPECT_EQ(created->spec().retention().minimum_good(), 2);
  EXPECT_FALSE(created->etag().empty());
  ASSERT_THAT(server_.store().events(), SizeIs(1));
  EXPECT_EQ(server_.store().events()[0].type(), "POLICY_CREATED");
  EXPECT_EQ(server_.store().events()[0].actor(), "users/alice");
  EXPECT_GE(server_.plan_count(), 1);
}

TEST_F(PolicyServiceTest, CreateRefusesASecondOfTheName) {
  ASSERT_THAT(Create(NewPolicy("nightly")), IsOk());
  EXPECT_THAT(Create(NewPolicy("nightly")), HasReason("POLICY_ALREADY_EXISTS"));
  EXPECT_THAT(Create(NewPolicy("nightly"), /*validate_only=*/true), HasReason("POLICY_ALREADY_EXISTS"));
}

TEST_F(PolicyServiceTest, CreateNamesEveryFieldThatIsWrong) {
  v1::Policy policy = NewPolicy("nightly");
  policy.mutable_spec()->mutable_schedule()->set_cron("0 0 31 2 *");
  policy.mutable_spec()->clear_retention();
  const absl::Status status = Create(policy).status();
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument));
  std::vector<std::string> fields;
  for (const v1::ErrorInfo& info : GetErrorInfos(status)) {
    EXPECT_EQ(info.reason(), "INVALID_FIELD");
    fields.push_back(info.metadata().at("field"));
  }
  EXPECT_THAT(fields, ::testing::IsSupersetOf({"spec.schedule.cron", "spec.retention"}));
  EXPECT_EQ(EventCount(), 0u);
}

TEST_F(PolicyServiceTest, ValidateOnlyChangesNothing) {
  const absl::StatusOr<v1::Policy> checked = Create(NewPolicy("nightly"), /*validate_only=*/true);
  ASSERT_THAT(checked, IsOk());
  EXPECT_EQ(checked->spec().dump().jobs(), 1);
  EXPECT_THAT(Get("policies/nightly"), HasReason("POLICY_NOT_FOUND"));
  EXPECT_EQ(EventCount(), 0u);
}

TEST_F(PolicyServiceTest, GetTellsAWrongNameFromAnUnknownOne) {
  EXPECT_THAT(Get("policies/none"), HasReason("POLICY_NOT_FOUND"));
  EXPECT_THAT(Get("policies/Not An Id"), HasReason("INVALID_RESOURCE_NAME"));
}

TEST_F(PolicyServiceTest, ListsInPages) {
  for (const char* id : {"a", "b", "c"}) {
    server_.PutPolicy(id);
  }
  v1::ListPoliciesRequest request;
  request.set_page_size(2);
  const absl::StatusOr<v1::ListPoliciesResponse> first = Call(stub_, &PolicyServiceStub::ListPolicies, request);
  ASSERT_THAT(first, IsOk());
  EXPECT_THAT(first->policies(),
              ElementsAre(Property(&v1::Policy::name, "policies/a"), Property(&v1::Policy::name, "policies/b")));
  request.set_page_token(first->next_page_token());
  const absl::StatusOr<v1::ListPoliciesResponse> second = Call(stub_, &PolicyServiceStub::ListPolicies, request);
  ASSERT_THAT(second, IsOk());
  EXPECT_THAT(second->policies(), ElementsAre(Property(&v1::Policy::name, "policies/c")));
  EXPECT_EQ(second->next_page_token(), "");
}

TEST_F(PolicyServiceTest, ListRefusesASizeOrTokenThatIsNone) {
  v1::ListPoliciesRequest request;
  request.set_page_size(-1);
  EXPECT_THAT(Call(stub_, &PolicyServiceStub::ListPolicies, request), HasReason("INVALID_FIELD"));
  request.set_page_size(0);
  request.set_page_token("made up");
  EXPECT_THAT(Call(stub_, &PolicyServiceStub::ListPolicies, request), HasReason("PAGE_TOKEN_INVALID"));
  request.set_page_token(std::string(5000, 'x'));
  EXPECT_THAT(Call(stub_, &PolicyServiceStub::ListPolicies, request), HasReason("INVALID_FIELD"));
}

TEST_F(PolicyServiceTest, PreviewsSlotsAndChangesNothing) {
  server_.PutPolicy("nightly");
  v1::PreviewPolicyRequest request;
  request.set_name("policies/nightly");
  request.set_count(3);
  const absl::StatusOr<v1::PreviewPolicyResponse> preview = Call(stub_, &PolicyServiceStub::PreviewPolicy, request);
  ASSERT_THAT(preview, IsOk());
  ASSERT_EQ(preview->slots_size(), 3);
  EXPECT_GT(ToAbsl(preview->slots(0).slot_time()), server_.clock().Now());
  *request.mutable_from_time() = preview->slots(0).slot_time();
  request.set_count(0);
  const absl::StatusOr<v1::PreviewPolicyResponse> next = Call(stub_, &PolicyServiceStub::PreviewPolicy, request);
  ASSERT_THAT(next, IsOk());
  EXPECT_EQ(next->slots_size(), 10);
  EXPECT_THAT(next->slots(0), EqualsProto(preview->slots(1)));
  request.set_name("policies/none");
  EXPECT_THAT(Call(stub_, &PolicyServiceStub::PreviewPolicy, request), HasReason("POLICY_NOT_FOUND"));
  request.set_count(-1);
  EXPECT_THAT(Call(stub_, &PolicyServiceStub::PreviewPolicy, request), HasReason("INVALID_FIELD"));
}

TEST_F(PolicyServiceTest, PreviewsAPolicyThatIsNotStored) {
  v1::PreviewPolicyRequest request;
  *request.mutable_policy() = server_.PutPolicy("nightly");
  request.mutable_policy()->clear_etag();
  request.mutable_policy()->set_name("policies/new");
  request.mutable_policy()->mutable_spec()->mutable_schedule()->set_cron("17 3 * * *");
  request.mutable_policy()->mutable_spec()->mutable_schedule()->set_paused(true);
  request.set_count(1);
  const auto preview = Call(stub_, &PolicyServiceStub::PreviewPolicy, request);
  ASSERT_THAT(preview, IsOk());
  ASSERT_EQ(preview->slots_size(), 1);
  EXPECT_THAT(preview->slots(0).wall_clock(), HasSubstr("T03:17:00"));
  EXPECT_TRUE(preview->paused());
  EXPECT_THAT(server_.store().GetPolicy("policies/new"), HasReason("POLICY_NOT_FOUND"));

  request.set_name("policies/nightly");
  EXPECT_THAT(Call(stub_, &PolicyServiceStub::PreviewPolicy, request), HasReason("INVALID_FIELD"));
  request.clear_name();
  request.mutable_policy()->mutable_spec()->mutable_schedule()->set_cron("nonsense");
  EXPECT_THAT(Call(stub_, &PolicyServiceStub::PreviewPolicy, request), HasReason("INVALID_FIELD"));
}

TEST_F(PolicyServiceTest, SaysHowManyDatabasesAPolicyWouldCover) {
  server_.PutAgent("db9", {"a", "b"});
  v1::PlanPolicyChangeRequest request;
  *request.mutable_policy() = server_.PutPolicy("nightly");
  request.mutable_policy()->clear_etag();
  request.mutable_policy()->mutable_spec()->mutable_databases(0)->set_agent("db9");
  EXPECT_EQ(Call(stub_, &PolicyServiceStub::PlanPolicyChange, request)->covered_count(), 2);
  request.mutable_policy()->mutable_spec()->mutable_databases(0)->set_agent("nowhere");
  const auto plan = Call(stub_, &PolicyServiceStub::PlanPolicyChange, request);
  ASSERT_THAT(plan, IsOk());
  EXPECT_TRUE(plan->has_covered_count());
  EXPECT_EQ(plan->covered_count(), 0);
}

TEST_F(PolicyServiceTest, UpdateTakesOnlyTheFieldsOfTheMask) {
  const v1::Policy stored = server_.PutPolicy("nightly");
  v1::UpdatePolicyRequest request;
  request.mutable_policy()->set_name(stored.name());
  request.mutable_policy()->mutable_spec()->mutable_schedule()->set_cron("30 1 * * *");
  request.mutable_update_mask()->add_paths("spec.schedule.cron");
  const absl::StatusOr<v1::Policy> updated = Call(stub_, &PolicyServiceStub::UpdatePolicy, request);
  ASSERT_THAT(updated, IsOk());
  EXPECT_EQ(updated->spec().schedule().cron(), "30 1 * * *");
  EXPECT_EQ(updated->spec().retention().keep_last(), 3);
  EXPECT_NE(updated->etag(), stored.etag());
}

TEST_F(PolicyServiceTest, UpdateRefusesAnEtagThatIsOld) {
  v1::UpdatePolicyRequest request;
  *request.mutable_policy() = server_.PutPolicy("nightly");
  request.mutable_policy()->mutable_spec()->mutable_schedule()->set_cron("30 1 * * *");
  ASSERT_THAT(Call(stub_, &PolicyServiceStub::UpdatePolicy, request), IsOk());
  request.mutable_policy()->mutable_spec()->mutable_schedule()->set_cron("30 2 * * *");
  EXPECT_THAT(Call(stub_, &PolicyServiceStub::UpdatePolicy, request), HasReason("ETAG_MISMATCH"));
  request.set_validate_only(true);
  EXPECT_THAT(Call(stub_, &PolicyServiceStub::UpdatePolicy, request), HasReason("ETAG_MISMATCH"));
}

TEST_F(PolicyServiceTest, UpdateCreatesOnlyWhenAllowed) {
  v1::UpdatePolicyRequest request;
  *request.mutable_policy() = NewPolicy("nightly");
  EXPECT_THAT(Call(stub_, &PolicyServiceStub::UpdatePolicy, request), HasReason("POLICY_NOT_FOUND"));
  request.set_allow_missing(true);
  request.set_validate_only(true);
  EXPECT_THAT(Call(stub_, &PolicyServiceStub::UpdatePolicy, request), IsOk());
  EXPECT_THAT(Get("policies/nightly"), HasReason("POLICY_NOT_FOUND"));
  request.set_validate_only(false);
  EXPECT_THAT(Call(stub_, &PolicyServiceStub::UpdatePolicy, request), IsOk());
  EXPECT_THAT(Get("policies/nightly"), IsOk());
}

TEST_F(PolicyServiceTest, PausesAndResumes) {
  server_.PutPolicy("nightly");
  v1::PausePolicyRequest pause;
  pause.set_name("policies/nightly");
  const absl::StatusOr<v1::Policy> paused = Call(stub_, &PolicyServiceStub::PausePolicy, pause);
  ASSERT_THAT(paused, IsOk());
  EXPECT_TRUE(paused->spec().schedule().paused());
  EXPECT_THAT(Call(stub_, &PolicyServiceStub::PausePolicy, pause), IsOk());
  v1::ResumePolicyRequest resume;
  resume.set_name("policies/nightly");
  const absl::StatusOr<v1::Policy> resumed = Call(stub_, &PolicyServiceStub::ResumePolicy, resume);
  ASSERT_THAT(resumed, IsOk());
  EXPECT_FALSE(resumed->spec().schedule().paused());
  EXPECT_EQ(EventCount(), 2u);
  resume.set_name("policies/none");
  EXPECT_THAT(Call(stub_, &PolicyServiceStub::ResumePolicy, resume), HasReason("POLICY_NOT_FOUND"));
}

TEST_F(PolicyServiceTest, DeletesOnlyWhatTheCallerSaw) {
  const v1::Policy stored = server_.PutPolicy("nightly");
  v1::DeletePolicyRequest request;
  request.set_name(stored.name());
  request.set_etag("of yesterday");
  EXPECT_THAT(Call(stub_, &PolicyServiceStub::DeletePolicy, request), HasReason("ETAG_MISMATCH"));
  request.set_etag(stored.etag());
  EXPECT_THAT(Call(stub_, &PolicyServiceStub::DeletePolicy, request), IsOk());
  EXPECT_THAT(Get(stored.name()), HasReason("POLICY_NOT_FOUND"));
  EXPECT_THAT(Call(stub_, &PolicyServiceStub::DeletePolicy, request), HasReason("POLICY_NOT_FOUND"));
}

TEST_F(PolicyServiceTest, TellsTheAgentsWhoseRunsChange) {
  server_.PutAgent("db1", {"shop"});
  std::atomic<int> published = 0;
  const auto subscription = server_.feed().Subscribe("agents/db1", [&] { ++published; });
  ASSERT_THAT(Create(NewPolicy("nightly")), IsOk());
  EXPECT_EQ(published, 1);
}

TEST_F(PolicyServiceTest, SaysThatTheCatalogIsAway) {
  server_.store().SetUnavailable(true);
  EXPECT_THAT(Get("policies/nightly"), HasReason("CATALOG_UNAVAILABLE"));
  EXPECT_THAT(Create(NewPolicy("nightly"), true), HasReason("CATALOG_UNAVAILABLE"));
  EXPECT_THAT(Get("policies/nightly"), StatusIs(absl::StatusCode::kUnavailable));
}

}  // namespace
}  // namespace backup::server
