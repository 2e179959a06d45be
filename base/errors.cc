// SPDX-License-Identifier: Apache-2.0
#include "base/errors.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/text.h"

namespace backup {
namespace {

// An absl::Status has one payload for each type, so that all ErrorInfos stand in one message.
constexpr char kPayloadUrl[] = "type.googleapis.com/backup.v1.StatusDetails";
constexpr char kErrorInfoUrl[] = "type.googleapis.com/google.rpc.ErrorInfo";
constexpr size_t kMaxMessageBytes = 64 << 10;
constexpr size_t kMaxValueBytes = 1024;

// Lines stay lines; all else that could forge output is made visible.
std::string CleanLines(absl::string_view text) {
  std::vector<std::string> lines;
  for (const absl::string_view line : absl::StrSplit(text.substr(0, kMaxMessageBytes), '\n')) {
    lines.push_back(CleanText(line, kMaxMessageBytes));
  }
  return absl::StrJoin(lines, "\n");
}

// The same bytes for the same message always, so that equal errors compare equal: maps have no order of their own.
std::string Serialize(const google::protobuf::Message& message) {
  std::string bytes;
  google::protobuf::io::StringOutputStream stream(&bytes);
  google::protobuf::io::CodedOutputStream coded(&stream);
  coded.SetSerializationDeterministic(true);
  message.SerializeToCodedStream(&coded);
  coded.Trim();
  return bytes;
}

// Same payloads, other message.
absl::Status WithMessage(const absl::Status& status, absl::string_view message) {
  absl::Status result(status.code(), message);
  status.ForEachPayload([&](absl::string_view url, const absl::Cord& payload) { result.SetPayload(url, payload); });
  return result;
}

}  // namespace

absl::Status MakeError(absl::StatusCode code, absl::string_view reason, absl::string_view message,
                       absl::string_view hint, const ErrorMetadata& metadata) {
  absl::Status status(code, CleanLines(message));
  v1::ErrorInfo info;
  info.set_reason(std::string(reason));
  info.set_domain("backupctl");
  for (const auto& [key, value] : metadata) (*info.mutable_metadata())[key] = CleanText(value, kMaxValueBytes);
  if (!hint.empty()) (*info.mutable_metadata())["hint"] = CleanText(hint, kMaxValueBytes);
  SetErrorInfos(status, absl::MakeConstSpan(&info, 1));
  return status;
}

std::vector<v1::ErrorInfo> GetErrorInfos(const absl::Status& status) {
  std::vector<v1::ErrorInfo> infos;
  const absl::optional<absl::Cord> payload = status.GetPayload(kPayloadUrl);
  v1::StatusDetails details;
  if (!payload.has_value() || !details.ParseFromString(std::string(*payload))) return infos;
  for (const google::protobuf::Any& detail : details.details()) {
    v1::ErrorInfo info;
    if (detail.type_url() == kErrorInfoUrl && info.ParseFromString(detail.value())) infos.push_back(std::move(info));
  }
  return infos;
}

void SetErrorInfos(absl::Status& status, absl::Span<const v1::ErrorInfo> infos) {
  if (infos.empty()) {
    status.ErasePayload(kPayloadUrl);
    return;
  }
  v1::StatusDetails details;
  for (const v1::ErrorInfo& info : infos) {
    google::protobuf::Any* detail = details.add_details();
    detail->set_type_url(kErrorInfoUrl);
    detail->set_value(Serialize(info));
  }
  status.SetPayload(kPayloadUrl, absl::Cord(Serialize(details)));
}

std::string ErrorReason(const absl::Status& status) {
  const std::vector<v1::ErrorInfo> infos = GetErrorInfos(status);
  return infos.empty() ? "" : infos.front().reason();
}

std::string ErrorHint(const absl::Status& status) {
  for (const v1::ErrorInfo& info : GetErrorInfos(status)) {
    const auto hint = info.metadata().find("hint");
    if (hint != info.metadata().end()) return hint->second;
  }
  return "";
}

absl::Status Annotate(const absl::Status& status, absl::string_view context) {
  if (status.ok()) return status;
  return WithMessage(status, absl::StrCat(CleanLines(context), ": ", status.message()));
}

absl::Status JoinErrors(absl::Span<const absl::Status> errors) {
  absl::Status first;
  std::vector<std::string> messages;
  std::vector<v1::ErrorInfo> infos;
  for (const absl::Status& error : errors) {
    if (error.ok()) continue;
    if (first.ok()) first = error;
    messages.emplace_back(error.message());
    for (v1::ErrorInfo& info : GetErrorInfos(error)) infos.push_back(std::move(info));
  }
  if (messages.size() <= 1) return first;
  absl::Status joined = WithMessage(first, absl::StrJoin(messages, "\n"));
  SetErrorInfos(joined, infos);
  return joined;
}

}  // namespace backup
