// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace backup::server {

// The address of a catalog, in any form that libpq takes. It may hold a password, so it is never shown; what is shown
// is DescribeCatalog. Errors: INVALID_ARGUMENT CATALOG_URL_INVALID, without the text that was given.

// What to hand to libpq: the address with the settings that every session of ours wants (time-outs, time zone, UTF-8,
// schema, keepalives, an application name that says host and process). What the address says itself about time-outs of
// the connection stays. A secret.
absl::StatusOr<std::string> CatalogConninfo(const std::string& url);

// Host and database for people, e.g. "db1.example:5433/catalog"; never a password.
absl::StatusOr<std::string> DescribeCatalog(const std::string& url);

// Whether a password is in it: such a URL must not be in a command line.
absl::StatusOr<bool> CatalogUrlHasPassword(const std::string& url);

// The schema that holds all tables of ours.
inline constexpr char kCatalogSchema[] = "backupctl";

}  // namespace backup::server
