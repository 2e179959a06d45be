-- SPDX-License-Identifier: Apache-2.0
-- What reports read of one database's past: its backups by their time, and its drills.
CREATE INDEX backups_past ON backups (database, snapshot_time, sequence);
CREATE INDEX runs_past_drills ON runs (database, slot_time, sequence) WHERE kind = 'DRILL' AND state <> 'SCHEDULED';
