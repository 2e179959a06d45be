// SPDX-License-Identifier: Apache-2.0
#include "base/rpc/grpc_status.h"

#include <string>
#include <vector>

#include "backup/v1/error.pb.h"
#include "base/errors.h"
#include "base/utf8.h"

namespace backup {
namespace {

constexpr char kErrorInfoUrl[] = "type.googleapis.com/google.rpc.ErrorInfo";
constexpr size_t kMaxMessageBytes = 2 << 10;
constexpr size_t kMaxDetailsBytes = 4 << 10;

// Valid UTF-8, and at most kMaxMessageBytes long after gRPC has percent-encoded it for the trailer.
std::string CutMessage(absl::string_view message) {
  size_t encoded_bytes = 0;
  size_t end = 0;
  while (end < message.size()) {
    const char c = message[end];
    encoded_bytes += c >= ' ' && c <= '~' && c != '%' ? 1 : 3;
    if (encoded_bytes > kMaxMessageBytes) break;
    ++end;
  }
  return ToValidUtf8(message.substr(0, end), kMaxMessageBytes);
}

}  // namespace

grpc::Status ToGrpcStatus(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  const std::string message = CutMessage(absl::string_view(status.message().data(), status.message().size()));
  v1::StatusDetails details;
  details.set_code(static_cast<int32_t>(status.code()));
  details.set_message(message);
  for (const v1::ErrorInfo& info : GetErrorInfos(status)) {
    google::protobuf::Any* const detail = details.add_details();
    detail->set_type_url(kErrorInfoUrl);
    detail->set_value(info.SerializeAsString());
    if (details.ByteSizeLong() <= kMaxDetailsBytes) continue;
    details.mutable_details()->RemoveLast();
    break;
  }
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), message, details.SerializeAsString());
}

absl::Status FromGrpcStatus(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  // Codes are equal by their numbers (grpc/status.h); a number that is none of them counts as unknown.
  const int code = status.error_code();
  const bool known = code > 0 && code <= static_cast<int>(absl::StatusCode::kUnauthenticated);
  absl::Status result(known ? static_cast<absl::StatusCode>(code) : absl::StatusCode::kUnknown,
                      ToValidUtf8(status.error_message(), 64 << 10));
  v1::StatusDetails details;
  if (!details.ParseFromString(status.error_details())) return result;
  std::vector<v1::ErrorInfo> infos;
  for (const google::protobuf::Any& detail : details.details()) {
    v1::ErrorInfo info;
    if (detail.type_url() == kErrorInfoUrl && info.ParseFromString(detail.value())) infos.push_back(std::move(info));
  }
  SetErrorInfos(result, infos);
  return result;
}

}  // namespace backup
