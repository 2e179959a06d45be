// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "agent/pipeline/hash128.h"
#include "backup/v1/manifest.pb.h"

namespace backup::agent {

// A statement of the schema, as far as its fingerprint needs it.
struct SchemaStatement {
  Hash128 text;
  // Of a SET: hash of what it sets. 0 otherwise.
  uint64_t setting = 0;
};

// What a dump says of itself while it passes. Names are valid UTF-8 (text_name.h).
struct DumpFacts {
  std::vector<v1::TableFacts> tables;        // In the order of the dump.
  std::vector<v1::SequenceFacts> sequences;  // The same; one that is set twice has the later value.
  std::vector<std::string> roles;            // Sorted; of a dump of globals.
  std::vector<SchemaStatement> schema;
  std::vector<std::string> warnings;
  int64_t plain_bytes = 0;

  void AddSequence(v1::SequenceFacts sequence);
  // Adds what follows these facts in the same file.
  void Append(DumpFacts next);
  // As in the manifest.
  std::string SchemaFingerprint() const;

 private:
  std::unordered_map<std::string, size_t> sequence_places_;  // By quoted name.
};

// "schema.table" for people; at most 300 bytes.
std::string TableLabel(const v1::TableFacts& table);

}  // namespace backup::agent
