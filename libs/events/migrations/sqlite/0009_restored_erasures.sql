-- Who was erased in the database that a restoration replaced: the service erases them again at its next start. May be
-- there already: whoever restores a backup of an older version makes it.
CREATE TABLE IF NOT EXISTS restored_erasures (
    id BLOB PRIMARY KEY
);
