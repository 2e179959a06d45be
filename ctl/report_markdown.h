// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "backup/v1/report_service.pb.h"

namespace backup::ctl {

// A report as a page of Markdown to hand to an auditor: what it comes to, a section for each database, and how the
// figures are counted. Names and reasons cannot change the page, see MarkdownText. `controller` says where it is from.
std::string ReportMarkdown(const v1::Report& report, absl::string_view controller);

}  // namespace backup::ctl
