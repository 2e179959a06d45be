-- SPDX-License-Identifier: Apache-2.0
-- Backups that are not as they should be, of which a database has few.
CREATE INDEX backups_flawed ON backups (database, sequence) WHERE state IN ('BAD', 'DELETING');
-- Runs that went to an agent which has not said a word of them.
CREATE INDEX runs_lost_unstarted ON runs (agent, slot_time)
    WHERE state = 'LOST' AND delivered AND data ->> 'attemptId' IS NULL;
