// SPDX-License-Identifier: Apache-2.0
#include "ctl/dev_sample_database.h"

namespace backup::ctl {
namespace {

constexpr char kSql[] = R"sql(BEGIN;

CREATE TYPE quest_status AS ENUM ('started', 'solved', 'given up');

CREATE TABLE students (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL,
    email text NOT NULL UNIQUE,
    born date,
    notes text
);
COMMENT ON TABLE students IS 'Who takes part';

CREATE TABLE quests (
    id serial PRIMARY KEY,
    title text NOT NULL,
    points integer NOT NULL CHECK (points > 0),
    hints jsonb NOT NULL DEFAULT '[]'
);

CREATE TABLE quest_events (
    id bigserial PRIMARY KEY,
    student_id integer NOT NULL REFERENCES students,
    quest_id integer NOT NULL REFERENCES quests,
    status quest_status NOT NULL,
    happened_at timestamptz NOT NULL,
    answer bytea
);
CREATE INDEX quest_events_by_student ON quest_events (student_id, happened_at);

CREATE TABLE audit (at timestamptz NOT NULL, what text NOT NULL);

CREATE FUNCTION note_new_student() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public.audit VALUES ('2026-09-01 08:00:00+00', 'enrolled ' || NEW.name);
    RETURN NEW;
END
$$;
CREATE TRIGGER students_audit AFTER INSERT ON students FOR EACH ROW EXECUTE FUNCTION note_new_student();

CREATE VIEW scores AS
    SELECT s.name, sum(q.points) AS points
    FROM students s JOIN quest_events e ON e.student_id = s.id JOIN quests q ON q.id = e.quest_id
    WHERE e.status = 'solved' GROUP BY s.name;

INSERT INTO students (name, email, born, notes)
SELECT (ARRAY['Ada', 'Böðvar', 'Chloé', 'Đorđe', 'Élise', 'Фёдор', '光子', 'O''Hara'])[1 + n % 8] || ' ' || n,
       'student' || n || '@school.example', date '2010-01-01' + n % 2000,
       CASE n % 5 WHEN 0 THEN NULL WHEN 1 THEN '' WHEN 2 THEN E'two\nlines\tand a tab'
                  WHEN 3 THEN E'a line with \\. in it' ELSE '-- PostgreSQL database dump complete' END
FROM generate_series(1, 500) AS n;

INSERT INTO quests (title, points, hints)
SELECT 'Quest ' || n, 1 + n % 10, jsonb_build_array('look at ' || n, n * n) FROM generate_series(1, 40) AS n;

INSERT INTO quest_events (student_id, quest_id, status, happened_at, answer)
SELECT 1 + n * 7 % 500, 1 + n * 11 % 40, (ARRAY['started', 'solved', 'given up'])[1 + n % 3]::quest_status,
       timestamptz '2026-09-01 08:00:00+00' + n * interval '7 minutes', decode(md5(n::text), 'hex')
FROM generate_series(1, 20000) AS n;

COMMIT;
ANALYZE;
)sql";

}  // namespace

absl::string_view SampleDatabaseSql() { return kSql; }

}  // namespace backup::ctl
