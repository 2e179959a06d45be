// SPDX-License-Identifier: Apache-2.0
#include "server/address.h"

#include <gtest/gtest.h>

#include "tests/testing/matchers.h"

namespace backup::server {
namespace {

using ::backup::testing::HasReason;
using ::backup::testing::IsOk;

TEST(AddressTest, ReadsWhatItWrites) {
  for (const char* text : {"127.0.0.1:7443", "localhost:0", "[::1]:65535", "backup.example:1", "0.0.0.0:80"}) {
    const absl::StatusOr<Address> address = ParseAddress("listen", text);
    ASSERT_THAT(address, IsOk()) << text;
    EXPECT_EQ(address->ToString(), text);
  }
}

TEST(AddressTest, KnowsWildcardsAndNumbers) {
  EXPECT_TRUE(ParseAddress("listen", "0.0.0.0:1")->IsWildcard());
  EXPECT_TRUE(ParseAddress("listen", "[::]:1")->IsWildcard());
  EXPECT_FALSE(ParseAddress("listen", "127.0.0.1:1")->IsWildcard());
  EXPECT_TRUE(ParseAddress("listen", "[::1]:1")->IsIp());
  EXPECT_FALSE(ParseAddress("listen", "localhost:1")->IsIp());
}

TEST(AddressTest, RefusesWhatIsNone) {
  for (const char* text : {"", "7443", ":7443", "host", "host:", "host:-1", "host:65536", "host:x", "::1:7443", "[::1]",
                           "[host]:1", "[]:1", "ho st:1", "unix:/tmp/x", "host/path:1", "a@b:1"}) {
    EXPECT_THAT(ParseAddress("listen", text), HasReason("INVALID_FIELD")) << text;
  }
}

}  // namespace
}  // namespace backup::server
