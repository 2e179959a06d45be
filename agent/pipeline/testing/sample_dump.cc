// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/testing/sample_dump.h"

#include "absl/strings/str_cat.h"

namespace backup::agent::testing {

std::string WrapDump(const std::string& body, const std::string& restrict_key) {
  const bool restricted = !restrict_key.empty();
  return absl::StrCat("--\n-- PostgreSQL database dump\n--\n\n",
                      restricted ? absl::StrCat("\\restrict ", restrict_key, "\n\n") : "",
                      "-- Dumped from database version 15.18\n-- Dumped by pg_dump version 15.18\n\n"
                      "SET client_encoding = 'UTF8';\nSET standard_conforming_strings = on;\n"
                      "SELECT pg_catalog.set_config('search_path', '', false);\n\n",
                      body, "\n--\n-- PostgreSQL database dump complete\n--\n\n",
                      restricted ? absl::StrCat("\\unrestrict ", restrict_key, "\n\n") : "");
}

std::string SampleDump() {
  std::string rows;
  for (int i = 0; i < 50; ++i) {
    absl::StrAppend(&rows, i, "\tname ", i * i, "\t\\N\n");
  }
  return WrapDump(absl::StrCat(
      "CREATE FUNCTION public.f() RETURNS text\n    LANGUAGE sql\n    AS $_$\nCOPY public.fake (id) FROM "
      "stdin;\n1\n\\.\n"
      "-- PostgreSQL database dump complete\nSELECT E'it\\'s';\n$_$;\n\n\n"
      "COMMENT ON FUNCTION public.f() IS 'it''s; \"odd\" $$ -- /*';\n\n"
      "CREATE TABLE public.people (id integer, name text, note text);\n"
      "CREATE TABLE public.\"q; \"\"uote\" (x text);\n\n",
      "COPY public.people (id, name, note) FROM stdin;\n", rows, "\\.\n\n\n",
      "COPY public.\"q; \"\"uote\" (x) FROM stdin;\n--\n-- PostgreSQL database dump complete\n--\n\n\\\\.\n\\.\n\n\n",
      "COPY public.nothing (x) FROM stdin;\n\\.\n\n\n", "SELECT pg_catalog.setval('public.people_id_seq', 49, true);\n",
      "SELECT pg_catalog.setval('public.other', 1, false);\n\n",
      "ALTER TABLE ONLY public.people\n    ADD CONSTRAINT people_pkey PRIMARY KEY (id);\n\n"));
}

std::string SampleGlobals() {
  return "--\n-- PostgreSQL database cluster dump\n--\n\n\\restrict K\n\nCREATE ROLE alice;\nALTER ROLE alice WITH "
         "LOGIN;\n"
         "CREATE ROLE bob;\n\n\\unrestrict K\n\n--\n-- PostgreSQL database cluster dump complete\n--\n\n";
}

}  // namespace backup::agent::testing
