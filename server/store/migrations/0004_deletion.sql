-- SPDX-License-Identifier: Apache-2.0
-- Rows of deleted backups stay as history and weigh nothing.
CREATE OR REPLACE FUNCTION keep_backup_totals() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF (OLD.database, OLD.state, OLD.size_bytes) = (NEW.database, NEW.state, NEW.size_bytes) THEN
            RETURN NULL;
        END IF;
    END IF;
    IF TG_OP <> 'INSERT' AND OLD.state <> 'DELETED' THEN
        PERFORM add_to_backup_totals(OLD.database, -(OLD.state = 'GOOD')::int, -OLD.size_bytes);
    END IF;
    IF TG_OP <> 'DELETE' AND NEW.state <> 'DELETED' THEN
        PERFORM add_to_backup_totals(NEW.database, (NEW.state = 'GOOD')::int, NEW.size_bytes);
    END IF;
    RETURN NULL;
END;
$$;

-- What reads or removes a backup of a database now.
CREATE INDEX runs_open_on_backups ON runs (database)
    WHERE state IN ('PENDING', 'RUNNING') AND kind IN ('VERIFY', 'RESTORE', 'DRILL', 'DELETE');
