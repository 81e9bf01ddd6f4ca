-- The roles that people were given at clients. Roles of groups are in the metadata of the client.
CREATE TABLE role_assignments (
    client_id   TEXT   NOT NULL,
    subject     UUID   NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    role        TEXT   NOT NULL,
    assigned_at BIGINT NOT NULL,
    PRIMARY KEY (client_id, subject, role)
);
CREATE INDEX role_assignments_subject ON role_assignments (subject);
