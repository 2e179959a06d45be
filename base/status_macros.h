// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#define BACKUP_MACRO_CONCAT_INNER(a, b) a##b
#define BACKUP_MACRO_CONCAT(a, b) BACKUP_MACRO_CONCAT_INNER(a, b)

// Returns from the enclosing function when `expr`, an absl::Status, is not OK.
#define RETURN_IF_ERROR(expr)                                     \
  do {                                                            \
    if (absl::Status status_macro = (expr); !status_macro.ok()) { \
      return status_macro;                                        \
    }                                                             \
  } while (false)

// Evaluates `rexpr`, an absl::StatusOr; returns its status when it is not OK, else moves its value into `lhs`.
#define ASSIGN_OR_RETURN(lhs, rexpr) \
  BACKUP_ASSIGN_OR_RETURN_IMPL(BACKUP_MACRO_CONCAT(status_or_macro_, __LINE__), lhs, rexpr)

#define BACKUP_ASSIGN_OR_RETURN_IMPL(statusor, lhs, rexpr) \
  auto statusor = (rexpr);                                 \
  if (!statusor.ok()) {                                    \
    return std::move(statusor).status();                   \
  }                                                        \
  lhs = std::move(statusor).value()
