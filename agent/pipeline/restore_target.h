// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "agent/pipeline/pg_session.h"
#include "backup/v1/manifest.pb.h"

namespace backup::agent {

// The checks of a server and a database before a dump goes into them. Refusals are FAILED_PRECONDITION RESTORE_REFUSED
// and say what to do.

// It is not of an older major version than the dump.
absl::Status CheckServerVersion(PgSession& session, const v1::Manifest& manifest);
// It has the extensions that the database uses.
absl::Status CheckExtensions(PgSession& session, const v1::Manifest& manifest);
// Whether the server can take the dump: both of these.
absl::Status CheckServerCanTake(PgSession& session, const v1::Manifest& manifest);

// Names of the server's roles, in UTF-8.
absl::StatusOr<std::set<std::string>> ReadRoles(PgSession& session);

// In a session with the database: it holds no table, view, sequence, function or type of a user.
absl::Status CheckDatabaseIsEmpty(PgSession& session);

// Makes an empty database with encoding, locale and its provider of the one that was dumped. `name` must be free.
absl::Status CreateDatabaseLike(PgSession& session, const std::string& name, const v1::DatabaseIdentity& original,
                                const v1::DatabaseProperties& properties);

// In a transaction that writes: its commit waits until the disk has it, and so what any session committed before,
// whatever the server says of synchronous_commit. A stricter setting stays.
absl::Status MakeCommitDurable(PgSession& session);

absl::Status CheckDatabaseNameIsFree(PgSession& session, const std::string& name);

// In a session with the database; also that the name is not one that PostgreSQL keeps for itself ("pg_...") nor that of
// a role, whose search path ("$user") would find the schema's tables before the live ones.
absl::Status CheckSchemaNameIsFree(PgSession& session, const std::string& name);

// In a session with the database: no publication is of all tables. Subscribers do not have the tables of a schema that
// is new, and would stop at its first row.
absl::Status CheckNothingPublishesNewTables(PgSession& session);

// Takes from everybody but its owner the right to use a schema, whatever default privileges gave it.
absl::Status MakeSchemaPrivate(PgSession& session, const std::string& name);

// What a restore of this backup makes is called so until everything is in it.
std::string TemporaryNameFor(const v1::Manifest& manifest);

// Whether a database, or in a session with the database a schema, of that name is there: another restore of the same
// backup is under way, or one that was killed left it.
absl::Status CheckNoDatabaseIsLeft(PgSession& session, const std::string& temporary);
absl::Status CheckNoSchemaIsLeft(PgSession& session, const std::string& temporary);

}  // namespace backup::agent
