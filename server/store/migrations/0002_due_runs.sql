-- SPDX-License-Identifier: Apache-2.0
-- The due runs of a day are those of policies.
DROP INDEX runs_due;
CREATE INDEX runs_due ON runs (slot_time) INCLUDE (state) WHERE state <> 'SCHEDULED' AND NOT manual;
