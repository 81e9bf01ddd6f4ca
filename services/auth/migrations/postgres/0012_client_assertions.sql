-- Assertions with which clients authenticated (private_key_jwt), until they expire: each is accepted once.
CREATE TABLE client_assertions (
    client_id  TEXT   NOT NULL,
    -- SHA-256 of its jti.
    jti_hash   BYTEA  NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (client_id, jti_hash)
);
CREATE INDEX client_assertions_by_client ON client_assertions (client_id, expires_at);
CREATE INDEX client_assertions_by_expiry ON client_assertions (expires_at);
