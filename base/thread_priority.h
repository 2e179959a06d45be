// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace backup {

// Lets the host's other work go first: niceness 10 (setpriority(2)) and the idle I/O class (ioprio_set(2)) for the
// calling thread, and for the threads and processes that it starts from now on. There is no way back. A system that
// does not allow it is left as it is.
void WorkInTheBackground();

}  // namespace backup
