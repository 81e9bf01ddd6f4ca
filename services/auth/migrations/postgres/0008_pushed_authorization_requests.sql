-- Authorization requests that clients have pushed (RFC 9126). `reference_hash` is SHA-256 of the reference in the request
-- URI. `source` is the hash of the address that pushed for a client without a secret. `used_by` names what got a code: the
-- handle of the saved request that came of it, or the reference itself.
CREATE TABLE pushed_authorization_requests (
    reference_hash BYTEA   PRIMARY KEY,
    client_id      TEXT    NOT NULL,
    source         BYTEA,
    query          TEXT    NOT NULL,
    expires_at     BIGINT  NOT NULL,
    used_by        BYTEA
);
CREATE INDEX pushed_authorization_requests_unused ON pushed_authorization_requests (client_id, expires_at)
    WHERE used_by IS NULL;
CREATE INDEX pushed_authorization_requests_source ON pushed_authorization_requests (source)
    WHERE source IS NOT NULL;
CREATE INDEX pushed_authorization_requests_expiry ON pushed_authorization_requests (expires_at);

-- The pushed request that a saved one came of.
ALTER TABLE authorization_requests ADD COLUMN pushed_hash BYTEA;
CREATE INDEX authorization_requests_pushed ON authorization_requests (pushed_hash)
    WHERE pushed_hash IS NOT NULL;
