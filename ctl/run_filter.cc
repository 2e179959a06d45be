// SPDX-License-Identifier: Apache-2.0
#include "ctl/run_filter.h"

namespace backup::ctl {

void LeaveOutThoseToCome(v1::RunFilter& filter) {
  const google::protobuf::EnumDescriptor& states = *v1::RunState_descriptor();
  for (int i = 0; i < states.value_count(); ++i) {
    const auto state = static_cast<v1::RunState>(states.value(i)->number());
    if (state != v1::RUN_STATE_UNSPECIFIED && state != v1::SCHEDULED) filter.add_states(state);
  }
}

}  // namespace backup::ctl
