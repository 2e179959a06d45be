// SPDX-License-Identifier: Apache-2.0
#include "server/pki/enrollment_token.h"

#include <gtest/gtest.h>

#include "absl/strings/escaping.h"
#include "tests/testing/fake_random.h"
#include "tests/testing/matchers.h"

namespace backup::server {
namespace {

using ::backup::testing::EqualsProto;

v1::EnrollmentTokenContent Token() {
  testing::FakeRandom random;
  return MakeEnrollmentToken(random, "db1", "controller.example:7443", "PEM");
}

TEST(EnrollmentTokenTest, IsOneLineThatGivesEverythingBack) {
  const std::string text = EncodeEnrollmentToken(Token());
  EXPECT_EQ(text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
            std::string::npos);
  std::string bytes;
  v1::EnrollmentTokenContent content;
  ASSERT_TRUE(absl::WebSafeBase64Unescape(text, &bytes));
  ASSERT_TRUE(content.ParseFromString(bytes));
  EXPECT_THAT(content, EqualsProto(Token()));
}

TEST(EnrollmentTokenTest, SecretsDiffer) {
  testing::FakeRandom random;
  const auto first = MakeEnrollmentToken(random, "db1", "h:1", "PEM");
  const auto second = MakeEnrollmentToken(random, "db1", "h:1", "PEM");
  EXPECT_EQ(first.secret().size(), 32u);
  EXPECT_NE(first.secret(), second.secret());
}

TEST(EnrollmentTokenTest, HashIsSha256InLowerCaseHex) {
  EXPECT_EQ(HashEnrollmentSecret("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

}  // namespace
}  // namespace backup::server
