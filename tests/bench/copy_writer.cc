// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/copy_writer.h"

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "server/store/sql_params.h"

namespace backup::bench {
namespace {

constexpr size_t kBufferBytes = 1 << 16;

using Connection = std::unique_ptr<PGconn, decltype(&PQfinish)>;
using Result = std::unique_ptr<PGresult, decltype(&PQclear)>;

absl::Status ErrorOf(PGconn* connection) { return absl::InternalError(PQerrorMessage(connection)); }

absl::StatusOr<Connection> Connect(const std::string& conninfo) {
  // Filling a large catalog takes longer than any verb may.
  Connection connection(PQconnectdb(conninfo.c_str()), &PQfinish);
  if (PQstatus(connection.get()) != CONNECTION_OK) return ErrorOf(connection.get());
  const Result set(PQexec(connection.get(), "SET statement_timeout = 0; SET synchronous_commit = off"), &PQclear);
  if (PQresultStatus(set.get()) != PGRES_COMMAND_OK) return ErrorOf(connection.get());
  return connection;
}

}  // namespace

absl::StatusOr<std::unique_ptr<CopyWriter>> CopyWriter::Open(const std::string& conninfo, const std::string& target) {
  ASSIGN_OR_RETURN(Connection connection, Connect(conninfo));
  const Result result(PQexec(connection.get(), absl::StrCat("COPY ", target, " FROM STDIN").c_str()), &PQclear);
  if (PQresultStatus(result.get()) != PGRES_COPY_IN) return ErrorOf(connection.get());
  return std::unique_ptr<CopyWriter>(new CopyWriter(connection.release()));
}

CopyWriter::~CopyWriter() { PQfinish(connection_); }

void CopyWriter::Separate() {
  if (row_begun_) buffer_ += '\t';
  row_begun_ = true;
}

CopyWriter& CopyWriter::Text(absl::string_view value) {
  Separate();
  buffer_.append(value.data(), value.size());
  return *this;
}

CopyWriter& CopyWriter::Int(int64_t value) { return Text(absl::StrCat(value)); }
CopyWriter& CopyWriter::Bool(bool value) { return Text(value ? "t" : "f"); }
CopyWriter& CopyWriter::Time(absl::Time value) { return Text(server::SqlParams::TimeText(value)); }
CopyWriter& CopyWriter::Null() { return Text("\\N"); }

void CopyWriter::EndRow() {
  buffer_ += '\n';
  row_begun_ = false;
  if (buffer_.size() >= kBufferBytes) Send();
}

void CopyWriter::Send() {
  PQputCopyData(connection_, buffer_.data(), static_cast<int>(buffer_.size()));
  buffer_.clear();
}

absl::Status CopyWriter::Finish() {
  Send();
  if (PQputCopyEnd(connection_, nullptr) != 1) return ErrorOf(connection_);
  absl::Status status;
  while (PGresult* result = PQgetResult(connection_)) {
    if (PQresultStatus(result) != PGRES_COMMAND_OK) status = absl::InternalError(PQresultErrorMessage(result));
    PQclear(result);
  }
  return status;
}

absl::Status ExecuteSql(const std::string& conninfo, const std::string& sql) {
  ASSIGN_OR_RETURN(const Connection connection, Connect(conninfo));
  const Result result(PQexec(connection.get(), sql.c_str()), &PQclear);
  if (PQresultStatus(result.get()) == PGRES_FATAL_ERROR) return ErrorOf(connection.get());
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> QuerySql(const std::string& conninfo, const std::string& sql) {
  ASSIGN_OR_RETURN(const Connection connection, Connect(conninfo));
  const Result result(PQexec(connection.get(), sql.c_str()), &PQclear);
  if (PQresultStatus(result.get()) != PGRES_TUPLES_OK) return ErrorOf(connection.get());
  std::vector<std::string> values;
  for (int i = 0; i < PQntuples(result.get()); ++i) values.emplace_back(PQgetvalue(result.get(), i, 0));
  return values;
}

}  // namespace backup::bench
