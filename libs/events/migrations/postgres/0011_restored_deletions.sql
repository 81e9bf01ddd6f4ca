-- Who was deleted, and not yet erased, in the database that a restoration replaced: the service deletes them again at its next
-- start. May be there already: whoever restores a backup of an older version makes it.
CREATE TABLE IF NOT EXISTS restored_deletions (
    id UUID PRIMARY KEY
);
