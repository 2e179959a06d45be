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
