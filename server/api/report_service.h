// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "backup/v1/report_service.grpc.pb.h"
#include "server/api/api_context.h"

namespace backup::server {

// backup.v1.ReportService. Errors as its .proto says. Thread-safe.
class ReportService final : public v1::ReportService::CallbackService {
 public:
  // Borrows `api`.
  explicit ReportService(const ApiContext& api) : api_(api) {}

  grpc::ServerUnaryReactor* GetReport(grpc::CallbackServerContext* context, const v1::GetReportRequest* request,
                                      v1::Report* response) override;

 private:
  const ApiContext& api_;
};

}  // namespace backup::server
