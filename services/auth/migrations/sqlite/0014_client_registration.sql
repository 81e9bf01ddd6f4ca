-- Clients that register themselves (RFC 7591): the token with which each changes its registration, and the initial access
-- tokens, which allow some registrations.
CREATE TABLE client_registrations (
    client_id  TEXT  NOT NULL PRIMARY KEY REFERENCES clients (id) ON DELETE CASCADE,
    -- SHA-256 of the registration access token.
    token_hash BLOB  NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX clients_by_origin ON clients (origin);

CREATE TABLE initial_access_tokens (
    id         BLOB    NOT NULL PRIMARY KEY,
    -- SHA-256 of the token.
    hash       BLOB    NOT NULL,
    name       TEXT    NOT NULL,
    max_uses   INTEGER NOT NULL,
    uses       INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX initial_access_tokens_by_hash ON initial_access_tokens (hash);
