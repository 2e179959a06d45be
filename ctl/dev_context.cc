// SPDX-License-Identifier: Apache-2.0
#include "ctl/dev_context.h"

#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/file.h"
#include "base/status_macros.h"
#include "ctl/dev_up.h"

namespace backup::ctl {

Context DevContext(const DevLayout& layout, const std::string& address) {
  const std::string admin = layout.controller_directory() + "/admin";
  Context context;
  context.name = kDevContext;
  context.controller = address;
  context.ca = admin + "/ca.crt";
  context.certificate = admin + "/client.crt";
  context.key = admin + "/client.key";
  return context;
}

absl::StatusOr<bool> PutDevContext(Session& session, const Context& context) {
  ASSIGN_OR_RETURN(const std::string path, session.ConfigPath());
  ASSIGN_OR_RETURN(ContextFile file, ContextFile::Read(path));
  const absl::StatusOr<Context> before = file.Find(context.name);
  if (before.ok() && before->ca != context.ca && access(before->ca.c_str(), F_OK) == 0) {
    return MakeError(
        absl::StatusCode::kFailedPrecondition, "CONTEXT_IN_USE",
        absl::StrCat("context \"", context.name, "\" in ", path, " is of another controller, ", before->controller),
        "take that one down first (backupctl dev down --dir DIR), or use another file: --config FILE");
  }
  if (!before.ok() || !(*before == context)) {
    RETURN_IF_ERROR(file.Put(context));
    RETURN_IF_ERROR(file.Write());
  }
  return file.current() == context.name;
}

absl::Status RemoveDevContext(Session& session, const DevLayout& layout) {
  ASSIGN_OR_RETURN(const std::string path, session.ConfigPath());
  ASSIGN_OR_RETURN(ContextFile file, ContextFile::Read(path));
  const absl::StatusOr<Context> context = file.Find(kDevContext);
  if (!context.ok() || context->ca != DevContext(layout, "").ca) return absl::OkStatus();
  file.Remove(kDevContext);
  if (!file.contexts().empty()) return file.Write();
  if (unlink(path.c_str()) != 0 && errno != ENOENT) return ErrnoToStatus(errno, absl::StrCat("cannot remove ", path));
  // The directory goes if this file was all there was in it.
  rmdir(std::filesystem::path(path).parent_path().c_str());
  return absl::OkStatus();
}

}  // namespace backup::ctl
