-- Assertions with which clients authenticated (private_key_jwt), until they expire: each is accepted once.
CREATE TABLE client_assertions (
    client_id  TEXT    NOT NULL,
    -- SHA-256 of its jti.
    jti_hash   BLOB    NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (client_id, jti_hash)
) STRICT, WITHOUT ROWID;
CREATE INDEX client_assertions_by_client ON client_assertions (client_id, expires_at);
CREATE INDEX client_assertions_by_expiry ON client_assertions (expires_at);
