-- SPDX-License-Identifier: Apache-2.0
-- Lists of runs are by slot, and as fast for any filter: StreamList reads a page from the heads of the streams that one
-- of these indexes holds. They take the place of those by sequence, so that a run costs no more writes than before.
DROP INDEX runs_policy, runs_agent, runs_database, runs_state, runs_state_of_policy, runs_kind, runs_scheduled_of_policy;
CREATE INDEX runs_list ON runs (kind, state, slot_time, sequence);
CREATE INDEX runs_list_of_policy ON runs (policy, kind, state, slot_time, sequence);
CREATE INDEX runs_list_of_agent ON runs (agent, policy, kind, state, slot_time, sequence);
CREATE INDEX runs_list_of_database ON runs (database, policy, kind, state, slot_time, sequence);
-- The rows to come of one policy for some of its databases, and how many databases have any.
CREATE INDEX runs_scheduled_of_policy ON runs (policy, database) INCLUDE (kind) WHERE state = 'SCHEDULED' AND NOT manual;

DROP INDEX backups_policy, backups_agent, backups_database, backups_state, backups_state_of_policy;
CREATE INDEX backups_list ON backups (state, sequence);
CREATE INDEX backups_list_of_policy ON backups (policy, state, sequence);
CREATE INDEX backups_list_of_agent ON backups (agent, policy, state, sequence);
CREATE INDEX backups_list_of_database ON backups (database, policy, state, sequence);

-- Runs that compaction removed from the history. Month: of the slot, when it begins in UTC.
CREATE TABLE run_counts (
    database text COLLATE "C" NOT NULL,
    month    timestamptz NOT NULL,
    policy   text COLLATE "C" NOT NULL,
    kind     text COLLATE "C" NOT NULL,
    state    text COLLATE "C" NOT NULL,
    manual   boolean NOT NULL,
    count    bigint NOT NULL CHECK (count > 0),
    PRIMARY KEY (database, month, policy, kind, state, manual)
);

-- How many runs of policies were due in each hour (UTC) and how many of them succeeded, so that nobody has to count a day
-- of a large fleet. A few rows for each hour, by database, so that runs that end together seldom wait for each other.
-- Runs that compaction removes stay counted; their hours go.
CREATE TABLE due_counts (
    hour            timestamptz NOT NULL,
    part            integer NOT NULL,
    due_count       bigint NOT NULL,
    succeeded_count bigint NOT NULL,
    PRIMARY KEY (hour, part)
) WITH (fillfactor = 50);
CREATE FUNCTION keep_due_counts() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    due       integer := (NEW.state <> 'SCHEDULED')::integer;
    succeeded integer := (NEW.state = 'SUCCEEDED')::integer;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        due := due - (OLD.state <> 'SCHEDULED')::integer;
        succeeded := succeeded - (OLD.state = 'SUCCEEDED')::integer;
        IF due = 0 AND succeeded = 0 THEN
            RETURN NULL;
        END IF;
    END IF;
    INSERT INTO due_counts AS c
    VALUES (date_trunc('hour', NEW.slot_time, 'UTC'), hashtext(NEW.database) & 31, due, succeeded)
    ON CONFLICT (hour, part) DO UPDATE SET due_count = c.due_count + excluded.due_count,
                                           succeeded_count = c.succeeded_count + excluded.succeeded_count;
    RETURN NULL;
END;
$$;
CREATE TRIGGER due_counts_insert AFTER INSERT ON runs
    FOR EACH ROW WHEN (NEW.state <> 'SCHEDULED' AND NOT NEW.manual) EXECUTE FUNCTION keep_due_counts();
CREATE TRIGGER due_counts_update AFTER UPDATE OF state ON runs
    FOR EACH ROW WHEN (OLD.state <> NEW.state AND NOT NEW.manual) EXECUTE FUNCTION keep_due_counts();
INSERT INTO due_counts
SELECT date_trunc('hour', slot_time, 'UTC'), hashtext(database) & 31, count(*), count(*) FILTER (WHERE state = 'SUCCEEDED')
FROM runs WHERE state <> 'SCHEDULED' AND NOT manual GROUP BY 1, 2;
