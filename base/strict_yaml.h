// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace backup {

// A place in a file; both count from 1. {0, 0} when unknown.
struct SourcePosition {
  int line = 0;
  int column = 0;
};

// YAML as our files use it: maps, lists and scalars. Refused with line and column: duplicate keys, anchors, aliases,
// tags, merge keys, non-scalar keys, more than 64 levels, more than 1 MiB, bytes that are not UTF-8.
// Errors are INVALID_ARGUMENT YAML_INVALID, "FILE:LINE:COLUMN: why", with a hint where the mistake is a known one
// (an unquoted `*/5 …` or `* …`: "quote the cron expression").
//
// Scalars keep their text: nothing is guessed from its look. A value type: cheap to copy, immutable.
class YamlNode {
 public:
  enum class Kind { kNull, kScalar, kList, kMap };

  Kind kind() const;
  // Text of a scalar; "" otherwise.
  const std::string& text() const;
  // True when the scalar was quoted: "5" is then text and no number.
  bool quoted() const;
  SourcePosition position() const;
  // Items of a list; empty otherwise.
  const std::vector<YamlNode>& items() const;
  // Entries of a map in the order of the file; empty otherwise.
  const std::vector<std::pair<std::string, YamlNode>>& entries() const;
  // Position of the key under which this node stands; its own position when under none.
  SourcePosition key_position() const;

 private:
  friend class YamlParser;
  struct Rep;
  std::shared_ptr<const Rep> rep_;
};

// All documents of `text`; `file` is for messages only. Empty documents are left out.
absl::StatusOr<std::vector<YamlNode>> ParseYaml(absl::string_view text, absl::string_view file);

// Reads one map key by key, strictly: remembers every error instead of stopping at the first, and knows which keys
// were asked for, so that unknown ones can be reported with the nearest known name ("did you mean …").
// Paths are dotted, with [i] for list items: "spec.schedule.cron", "spec.databases[0].agent".
class YamlReader {
 public:
  // Shared by all readers of one file: the errors, and where each path stands.
  struct Context {
    std::string file;
    std::vector<absl::Status> errors;
    std::map<std::string, SourcePosition> positions;  // By path.
  };

  // `node` should be a map; another kind is an error (kNull reads as an empty map). Borrows `context`.
  YamlReader(const YamlNode& node, std::string path, Context& context);

  // Each returns nothing when the key is absent or its value was wrong (then an error is remembered).
  std::optional<std::string> String(absl::string_view key);
  std::optional<int64_t> Integer(absl::string_view key, int64_t min, int64_t max);
  std::optional<bool> Bool(absl::string_view key);                // true, false
  std::optional<absl::Duration> Duration(absl::string_view key);  // units.h
  std::optional<int64_t> Size(absl::string_view key);             // units.h
  std::optional<int32_t> Percent(absl::string_view key);          // units.h
  std::optional<std::vector<std::string>> StringList(absl::string_view key);
  std::optional<std::map<std::string, std::string>> StringMap(absl::string_view key);
  // One of `values`; an error lists them.
  std::optional<std::string> OneOf(absl::string_view key, const std::vector<std::string>& values);
  // A nested map.
  std::optional<YamlReader> Map(absl::string_view key);
  // A list of maps.
  std::vector<YamlReader> MapList(absl::string_view key);
  // True when the key is there, whatever its value. Counts as asked for.
  bool Has(absl::string_view key);

  // Remembers an error for each key that nobody asked for. Call last.
  void Finish();
  // Remembers an error at `key` (or at the map itself when `key` is "").
  void AddError(absl::string_view key, absl::string_view why, absl::string_view hint = "");

  const std::string& path() const { return path_; }
  SourcePosition PositionOf(absl::string_view key) const;

 private:
  // The value under `key`, which counts as asked for then; null when absent.
  const YamlNode* Find(absl::string_view key);
  // The same, of a wanted kind; remembers an error for another.
  const YamlNode* FindKind(absl::string_view key, YamlNode::Kind kind, absl::string_view wanted);
  void AddErrorAt(SourcePosition position, absl::string_view path, absl::string_view why, absl::string_view hint);

  YamlNode node_;
  std::string path_;
  Context* context_;
  std::vector<std::string> known_;
};

// Errors of one file as one, in the order of their places, whatever the order they were found in; OK when there is
// none.
absl::Status JoinYamlErrors(std::vector<absl::Status> errors);

}  // namespace backup
