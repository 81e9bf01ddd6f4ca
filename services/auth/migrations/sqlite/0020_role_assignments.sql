-- The roles that people were given at clients. Roles of groups are in the metadata of the client.
CREATE TABLE role_assignments (
    client_id   TEXT    NOT NULL,
    subject     BLOB    NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    role        TEXT    NOT NULL,
    assigned_at INTEGER NOT NULL,
    PRIMARY KEY (client_id, subject, role)
) STRICT, WITHOUT ROWID;
CREATE INDEX role_assignments_subject ON role_assignments (subject);
