-- Provisioning clients that were deleted, whose identifiers of users and groups are removed in the background.
CREATE TABLE deleted_provisioning_clients (
    id         BLOB NOT NULL PRIMARY KEY,
    deleted_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
