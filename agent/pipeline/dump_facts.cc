// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/dump_facts.h"

#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "agent/pipeline/sha256.h"
#include "base/text.h"

namespace backup::agent {

void DumpFacts::AddSequence(v1::SequenceFacts sequence) {
  const std::string name = absl::StrCat(sequence.schema().size(), ".", sequence.schema(), ".", sequence.name());
  const auto [place, is_new] = sequence_places_.emplace(name, sequences.size());
  if (is_new) {
    sequences.push_back(std::move(sequence));
  } else {
    sequences[place->second] = std::move(sequence);
  }
}

void DumpFacts::Append(DumpFacts next) {
  for (v1::TableFacts& table : next.tables) {
    table.set_plain_offset(plain_bytes + table.plain_offset());
    tables.push_back(std::move(table));
  }
  for (v1::SequenceFacts& sequence : next.sequences) {
    AddSequence(std::move(sequence));
  }
  roles.insert(roles.end(), next.roles.begin(), next.roles.end());
  schema.insert(schema.end(), next.schema.begin(), next.schema.end());
  warnings.insert(warnings.end(), next.warnings.begin(), next.warnings.end());
  plain_bytes += next.plain_bytes;
}

std::string DumpFacts::SchemaFingerprint() const {
  Sha256 hash;
  // A dump made in parts repeats its settings in each; only a change of one counts.
  std::unordered_map<uint64_t, Hash128> settings;
  for (const SchemaStatement& statement : schema) {
    if (statement.setting != 0) {
      const auto [place, is_new] = settings.emplace(statement.setting, statement.text);
      if (!is_new && std::exchange(place->second, statement.text) == statement.text) {
        continue;
      }
    }
    hash.Update(ToHex(statement.text));
  }
  return hash.FinishHex();
}

std::string TableLabel(const v1::TableFacts& table) {
  return CleanText(absl::StrCat(table.schema(), ".", table.name()), 300);
}

}  // namespace backup::agent
