-- Access tokens of clients for themselves that were revoked (RFC 7009), by the `gid` in them, until they expire.
CREATE TABLE revoked_tokens (
    id         UUID NOT NULL PRIMARY KEY,
    client_id  TEXT NOT NULL,
    revoked_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX revoked_tokens_revoked ON revoked_tokens (revoked_at);
CREATE INDEX revoked_tokens_client ON revoked_tokens (client_id, expires_at);
CREATE INDEX revoked_tokens_expires ON revoked_tokens (expires_at);
