// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/status_macros.h"
#include "ctl/commands.h"
#include "ctl/context.h"

namespace backup::ctl {
namespace {

using Json = nlohmann::ordered_json;

absl::StatusOr<ContextFile> ReadContexts(const Session& session) {
  ASSIGN_OR_RETURN(const std::string path, session.ConfigPath());
  return ContextFile::Read(path);
}

Json ToJson(const Context& context, bool current) {
  return {{"name", context.name}, {"controller", context.controller},
          {"ca", context.ca},     {"certificate", context.certificate},
          {"key", context.key},   {"current", current}};
}

absl::StatusOr<ExitCode> List(Session& session) {
  ASSIGN_OR_RETURN(const ContextFile file, ReadContexts(session));
  Json json = {{"contexts", Json::array()}};
  std::string names;
  Table table{{{""}, {"CONTEXT"}, {"CONTROLLER"}, {"CERTIFICATE", Column::Align::kLeft, true}}, {}};
  for (const Context& context : file.contexts()) {
    const bool current = context.name == file.current();
    json["contexts"].push_back(ToJson(context, current));
    absl::StrAppend(&names, names.empty() ? "" : "\n", context.name);
    table.rows.push_back({current ? "*" : " ", context.name, context.controller, context.certificate});
  }
  Output& output = session.output();
  if (!file.contexts().empty() || output.format() != OutputFormat::kName) {
    output.Value(json, names, [&] { return output.Layout(table); });
  }
  if (file.contexts().empty() && output.for_people()) {
    session.Say(absl::StrCat("no contexts in ", file.path(), "; start a controller here with: backupctl dev up"));
  }
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> Use(Session& session, const std::string& name) {
  ASSIGN_OR_RETURN(ContextFile file, ReadContexts(session));
  RETURN_IF_ERROR(file.Use(name));
  RETURN_IF_ERROR(file.Write());
  session.output().Value({{"currentContext", name}}, name,
                         [&] { return absl::StrCat("current context is now ", name, "\n"); });
  return ExitCode::kOk;
}

// The global flags --controller, --ca, --certificate and --key are what is stored; those left out stay.
absl::StatusOr<ExitCode> Set(Session& session, const std::string& name) {
  ASSIGN_OR_RETURN(ContextFile file, ReadContexts(session));
  Context context = file.Find(name).value_or(Context{name, "", "", "", ""});
  const GlobalFlags& flags = session.flags();
  const auto take = [](const std::string& flag, std::string& field) {
    if (!flag.empty()) field = flag;
  };
  take(flags.controller, context.controller);
  take(flags.ca, context.ca);
  take(flags.certificate, context.certificate);
  take(flags.key, context.key);
  for (const auto& [flag, value] : {std::pair("--controller", context.controller), std::pair("--ca", context.ca),
                                    std::pair("--certificate", context.certificate), std::pair("--key", context.key)}) {
    if (value.empty()) {
      return MakeError(absl::StatusCode::kInvalidArgument, "WRONG_USAGE",
                       absl::StrCat("context \"", name, "\" needs ", flag),
                       "a new context needs --controller, --ca, --certificate and --key");
    }
  }
  RETURN_IF_ERROR(file.Put(context));
  RETURN_IF_ERROR(file.Write());
  const bool current = file.current() == name;
  session.output().Value(ToJson(context, current), name, [&] {
    return absl::StrCat("context ", name, " stored in ", file.path(),
                        current ? "" : "; choose it with: backupctl context use " + name, "\n");
  });
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> Show(Session& session, const std::string& name) {
  Context context;
  std::string current;
  if (name.empty()) {
    ASSIGN_OR_RETURN(context, session.ChooseContext());
  } else {
    ASSIGN_OR_RETURN(const ContextFile file, ReadContexts(session));
    ASSIGN_OR_RETURN(context, file.Find(name));
  }
  session.output().Value(ToJson(context, name.empty()), context.name, [&] {
    return LayOutFacts({{"Context", context.name},
                        {"Controller", context.controller},
                        {"CA", context.ca},
                        {"Certificate", context.certificate},
                        {"Key", context.key}},
                       session.output().options().color);
  });
  return ExitCode::kOk;
}

}  // namespace

void AddContextCommands(CommandTree& tree) {
  Session& session = tree.session();
  CLI::App& noun = tree.AddNoun("context", "Which controller to talk to, and as whom", kToolGroup);
  tree.AddLeaf(noun, "list", {"List contexts; * marks the current one", "", "backupctl context list"},
               [&session] { return List(session); });

  auto used = std::make_shared<std::string>();
  tree.AddLeaf(noun, "use", {"Choose the current context", "", "backupctl context use production"},
               [&session, used] { return Use(session, *used); })
      .add_option("NAME", *used, "the context's name")
      ->required();

  auto set = std::make_shared<std::string>();
  tree.AddLeaf(noun, "set",
               {"Store a context, or change one",
                "What is not given stays as it is. The first context becomes the current one.",
                "backupctl context set production --controller backup.example.com:7443 --ca ca.crt --certificate "
                "me.crt --key me.key"},
               [&session, set] { return Set(session, *set); })
      .add_option("NAME", *set, "the context's name")
      ->required();

  auto shown = std::make_shared<std::string>();
  tree.AddLeaf(noun, "show", {"Show one context, without NAME the one in use", "", "backupctl context show"},
               [&session, shown] { return Show(session, *shown); })
      .add_option("NAME", *shown, "the context's name");
}

}  // namespace backup::ctl
