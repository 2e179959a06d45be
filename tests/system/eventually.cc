// SPDX-License-Identifier: Apache-2.0
#include "tests/system/eventually.h"

#include "base/cancellation.h"
#include "ctl/dev_wait.h"

namespace backup::testing {

bool Eventually(absl::Duration timeout, const std::function<bool()>& condition) {
  Cancellation never;
  return ctl::WaitUntil(timeout, never, condition);
}

}  // namespace backup::testing
