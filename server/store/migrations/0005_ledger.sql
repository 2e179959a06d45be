-- SPDX-License-Identifier: Apache-2.0
-- When a policy was last planned to the end: slots after that and before now are those that nothing planned.
ALTER TABLE policies ADD COLUMN planned_time timestamptz;
-- Slots that did not run, to be opened again when a clock that was wrong had ended them ahead of their time.
CREATE INDEX runs_not_started ON runs (policy, slot_time) WHERE NOT manual AND state IN ('MISSED', 'SKIPPED', 'LOST');
-- Of several slots of one database that wait, all but the newest are to go.
CREATE INDEX runs_waiting ON runs (policy, database, kind, slot_time) WHERE NOT manual AND state = 'PENDING';
-- What waits for a place among the runs that may work at once.
CREATE INDEX runs_held_back ON runs (slot_time) WHERE state = 'PENDING' AND data ->> 'heldBack' = 'true';
