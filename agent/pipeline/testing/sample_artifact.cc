// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/testing/sample_artifact.h"

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>

#include "absl/strings/str_cat.h"
#include "agent/pipeline/artifact_writer.h"
#include "agent/pipeline/dump_store.h"
#include "agent/pipeline/gzi_index.h"
#include "agent/pipeline/manifest_file.h"
#include "agent/pipeline/sha256_sums.h"
#include "agent/pipeline/testing/sample_dump.h"
#include "base/file.h"
#include "base/proto_json.h"
#include "base/x509.h"

namespace backup::agent::testing {
namespace {

void Must(const absl::Status& status) {
  if (!status.ok()) {
    std::cerr << status << std::endl;
    std::abort();
  }
}

template <typename T>
T Must(absl::StatusOr<T> value) {
  Must(value.status());
  return *std::move(value);
}

StoredDump Store(ArtifactWriter& writer, const std::string& name, DumpScanner::Kind kind, v1::Codec codec,
                 const std::string& text) {
  std::unique_ptr<DumpStore> store =
      Must(DumpStore::Create(writer, absl::StrCat(name, FileExtension(codec)), kind, EncoderOptions{.codec = codec}));
  Must(store->Write(text));
  Must(store->EndDump());
  Must(store->Finish());
  return store->TakeResult();
}

void AddPlainFile(ArtifactWriter& writer, const std::string& name, const std::string& contents,
                  v1::Manifest* manifest) {
  v1::ArtifactFile& file = *manifest->add_files();
  file.set_name(name);
  file.set_codec(v1::NONE);
  file.set_stored_bytes(static_cast<int64_t>(contents.size()));
  file.set_plain_bytes(file.stored_bytes());
  file.set_stored_sha256(Must(writer.WriteFile(name, contents)));
  file.set_plain_sha256(file.stored_sha256());
}

}  // namespace

std::string MakeSampleArtifact(const std::string& root, absl::string_view agent, absl::string_view database,
                               absl::string_view backup_id, v1::Codec codec) {
  std::unique_ptr<ArtifactWriter> writer = Must(ArtifactWriter::Create(root, agent, database, backup_id));
  v1::Manifest manifest;
  manifest.set_format_version(kManifestFormatVersion);
  manifest.set_backup_id(std::string(backup_id));
  manifest.set_agent(std::string(agent));
  manifest.mutable_database()->set_name("sample");
  manifest.mutable_database()->set_server_version("15.18");
  *manifest.mutable_snapshot_time() = ToProto(absl::FromUnixSeconds(1795471200));
  StoredDump globals =
      Store(*writer, "globals.sql", DumpScanner::Kind::kGlobals, codec == v1::ZSTD ? v1::GZIP : codec, SampleGlobals());
  *manifest.add_files() = globals.file;
  manifest.mutable_roles()->Add(globals.facts.roles.begin(), globals.facts.roles.end());
  StoredDump dump = Store(*writer, "dump.sql", DumpScanner::Kind::kDatabase, codec, SampleDump());
  *manifest.add_files() = dump.file;
  manifest.mutable_tables()->Add(dump.facts.tables.begin(), dump.facts.tables.end());
  manifest.mutable_sequences()->Add(dump.facts.sequences.begin(), dump.facts.sequences.end());
  manifest.set_schema_fingerprint(dump.facts.SchemaFingerprint());
  if (codec != v1::NONE) {
    AddPlainFile(*writer, absl::StrCat(dump.file.name(), ".gzi"), FormatGziIndex(dump.members), &manifest);
  }
  AddPlainFile(*writer, "RESTORE.txt", "how to restore\n", &manifest);
  std::map<std::string, std::string> sums;
  for (const v1::ArtifactFile& file : manifest.files()) {
    sums[file.name()] = file.stored_sha256();
  }
  sums[kManifestFile] = Must(writer->WriteFile(kManifestFile, FormatManifest(manifest)));
  Must(writer->WriteFile(kSumsFile, FormatSums(sums)).status());
  Must(writer->Commit());
  return writer->final_path();
}

void ForgeManifest(const std::string& artifact_directory, const std::function<void(v1::Manifest*)>& change) {
  const std::string manifest_path = absl::StrCat(artifact_directory, "/", kManifestFile);
  const std::string sums_path = absl::StrCat(artifact_directory, "/", kSumsFile);
  auto manifest = Must(ParseManifest(Must(ReadFile(manifest_path, kMaxManifestBytes))));
  change(&manifest);
  const std::string text = FormatManifest(manifest);
  auto sums = Must(ParseSums(Must(ReadFile(sums_path, 1 << 20))));
  for (const v1::ArtifactFile& file : manifest.files()) {
    sums[file.name()] = file.stored_sha256();
  }
  sums[kManifestFile] = Sha256Hex(text);
  std::ofstream(manifest_path, std::ios::binary) << text;
  std::ofstream(sums_path, std::ios::binary) << FormatSums(sums);
}

}  // namespace backup::agent::testing
