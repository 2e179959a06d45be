-- SPDX-License-Identifier: Apache-2.0
-- Who keeps a backup, and why: protobuf JSON of BackupHold. A column of its own, so that what runs report never writes it.
ALTER TABLE backups ADD COLUMN hold jsonb;
