-- SPDX-License-Identifier: Apache-2.0
-- A database for the race: accounts as pgbench has them, events with JSON, notes of wide text. `scale` 100 is about 1.2 GB
-- on disk and 0.9 GB as text. psql -v scale=100
\set accounts :scale * 30000
\set events :scale * 22000
\set notes :scale * 3300
CREATE TABLE accounts (aid integer NOT NULL, bid integer, abalance integer, filler char(84));
INSERT INTO accounts SELECT g, (g - 1) / 100000 + 1, (g::bigint * 7919) % 10000 - 5000, '' FROM generate_series(1, :accounts) g;
CREATE TABLE events (id bigint NOT NULL, at timestamptz, kind text, payload jsonb);
INSERT INTO events
  SELECT g, '2026-01-01 00:00+00'::timestamptz + g * interval '7 seconds',
         (ARRAY['login', 'quest', 'trade', 'chat', 'logout'])[1 + g % 5],
         jsonb_build_object('player', g % 50000, 'score', (g::bigint * 2654435761) % 100000, 'item', md5((g / 3)::text),
                            'tags', jsonb_build_array('a' || g % 10, 'b' || g % 100))
    FROM generate_series(1, :events) g;
CREATE TABLE notes (id integer NOT NULL, title text, body text);
INSERT INTO notes
  SELECT g, 'note ' || g,
         (SELECT string_agg((ARRAY['the', 'quick', 'school', 'game', 'teacher', 'student', 'quest', 'answer', 'level', 'score',
                                   'class', 'lesson', 'winter', 'summer', 'history', 'number', 'letter', 'point', 'river',
                                   'castle'])[1 + (hashint4(g * 131 + i) & 1048575) % 20]
                            || CASE WHEN i % 9 = 0 THEN md5((g + i)::text) ELSE '' END, ' ')
            FROM generate_series(1, 90) i)
    FROM generate_series(1, :notes) g;
-- Two hundredths of the rows' bytes, to be restored alone.
CREATE TABLE few AS SELECT g AS id, repeat(md5(g::text), 8) AS t FROM generate_series(1, :scale * 700) g;
ALTER TABLE accounts ADD PRIMARY KEY (aid);
ALTER TABLE events ADD PRIMARY KEY (id);
ALTER TABLE notes ADD PRIMARY KEY (id);
CREATE INDEX ON events (kind, at);
CREATE INDEX ON accounts (bid);
VACUUM ANALYZE;
