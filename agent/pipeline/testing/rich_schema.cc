// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/testing/rich_schema.h"

namespace backup::agent::testing {

std::string RichSchema() {
  return R"sql(
CREATE TABLE people (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL, born date);
INSERT INTO people (name, born) SELECT 'person ' || i, '2000-01-01'::date + i FROM generate_series(1, 1000) i;

-- Rows that look like the end of data, of the dump, like psql's commands, like statements.
CREATE TABLE tricky (t text);
INSERT INTO tricky VALUES ('\.'), (E'a\n\\.\nb'), ('--'), ('-- PostgreSQL database dump complete'), (E'\\unrestrict x'),
  (E'tab\tand\rreturn\x01'), (''), (NULL), ('COPY public.people (id) FROM stdin;'), ('\N'), ('$$ '' "'), (E'\\\\');

CREATE TABLE no_columns ();
INSERT INTO no_columns DEFAULT VALUES;
INSERT INTO no_columns DEFAULT VALUES;
CREATE TABLE empty (id bigint, "FROM stdin;" text);
CREATE TABLE computed (a integer, b integer GENERATED ALWAYS AS (a * 2) STORED);
INSERT INTO computed SELECT generate_series(1, 10);
CREATE TABLE wide (id integer, big text);
INSERT INTO wide SELECT i, repeat(md5(i::text), 20000) FROM generate_series(1, 5) i;
CREATE UNLOGGED TABLE unlogged (x integer);
INSERT INTO unlogged VALUES (1);
CREATE TABLE types (i integer[], j jsonb, b bytea, n numeric, t timestamptz, r int4range, u uuid);
INSERT INTO types VALUES ('{1,NULL,3}', '{"a": "\n"}', '\x00ff5c2e', 1.50, '2026-11-23 22:00+00', '[1,5)', md5('x')::uuid);

CREATE SCHEMA "Odd; schema";
CREATE TABLE "Odd; schema"."tab""le
with -- newline" ("col'umn" text, "select" integer);
INSERT INTO "Odd; schema"."tab""le
with -- newline" VALUES ('x', 1), ('y', 2);
COMMENT ON TABLE "Odd; schema"."tab""le
with -- newline" IS 'it''s; a comment
-- PostgreSQL database dump complete
COPY public.people (id) FROM stdin;
\.
';
CREATE SEQUENCE "Odd; schema"."se'q" START 5 MINVALUE -9223372036854775808;
SELECT setval('"Odd; schema"."se''q"', -7, false);

CREATE TABLE events (id integer, at date) PARTITION BY RANGE (at);
CREATE TABLE events_2025 PARTITION OF events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE events_2026 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2027-01-01') PARTITION BY LIST (id);
CREATE TABLE events_2026_1 PARTITION OF events_2026 FOR VALUES IN (1);
CREATE TABLE events_2026_rest PARTITION OF events_2026 DEFAULT;
INSERT INTO events SELECT i % 3, '2025-06-01'::date + i FROM generate_series(1, 500) i;
CREATE TABLE parent (a integer);
CREATE TABLE child (b integer) INHERITS (parent);
INSERT INTO child VALUES (1, 2);
CREATE TABLE secured (x integer);
ALTER TABLE secured ENABLE ROW LEVEL SECURITY;
CREATE POLICY few ON secured USING (x > 5);
INSERT INTO secured SELECT generate_series(1, 10);

CREATE TYPE mood AS ENUM ('sad', 'it''s; fine');
CREATE DOMAIN positive AS integer CHECK (VALUE > 0);
CREATE TABLE moods (m mood DEFAULT 'sad', p positive, s bigserial);
INSERT INTO moods (m, p) VALUES ('it''s; fine', 3);

CREATE FUNCTION looks_like_a_dump() RETURNS text LANGUAGE plpgsql AS $f$
BEGIN
  RETURN '
COPY public.people (id) FROM stdin;
1
\.
-- PostgreSQL database dump complete
'; -- $$ $_$
END
$f$;
CREATE FUNCTION atomic(x integer) RETURNS integer LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT x + 1; END;
CREATE FUNCTION escapes() RETURNS text LANGUAGE sql AS 'SELECT E''a\\b''''c''';
CREATE VIEW v AS SELECT E'a\\b;''c' AS "x;y", name FROM people WHERE name <> E'\n;' -- comment
;
CREATE MATERIALIZED VIEW mv AS SELECT count(*) FROM people;
CREATE RULE both_ways AS ON INSERT TO empty DO ALSO (INSERT INTO computed VALUES (new.id); UPDATE computed SET a = a);
CREATE FUNCTION touched() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN new; END $$;
CREATE TRIGGER t BEFORE INSERT ON people FOR EACH ROW EXECUTE FUNCTION touched();
CREATE INDEX ON people (lower(name)) WHERE name <> ';';
ALTER TABLE events ADD UNIQUE (id, at);
CREATE PUBLICATION p FOR TABLE people;
SELECT lo_from_bytea(0, decode(repeat('ff5c2e27', 5000), 'hex'));
)sql";
}

}  // namespace backup::agent::testing
