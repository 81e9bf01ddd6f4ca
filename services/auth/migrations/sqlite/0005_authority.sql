-- What resource servers ask for every second: grants that were revoked a short while ago.
CREATE INDEX grants_by_revocation ON grants (revoked_at) WHERE revoked_at IS NOT NULL;

-- Clients that were deleted, for as long as a token of theirs can be valid.
CREATE TABLE deleted_clients (
    client_id  TEXT    PRIMARY KEY,
    deleted_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX deleted_clients_at ON deleted_clients (deleted_at);

-- Public halves of signing keys that sign and are published no more: an ID token of a session that goes on is still a
-- hint about it.
CREATE TABLE past_keys (
    kid       TEXT PRIMARY KEY,
    -- RFC 7517
    jwk       TEXT NOT NULL,
    forget_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
