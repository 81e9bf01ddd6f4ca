-- Clients that register themselves (RFC 7591): the token with which each changes its registration, and the initial access
-- tokens, which allow some registrations.
CREATE TABLE client_registrations (
    client_id  TEXT  NOT NULL PRIMARY KEY REFERENCES clients (id) ON DELETE CASCADE,
    -- SHA-256 of the registration access token.
    token_hash BYTEA NOT NULL
);
CREATE INDEX clients_by_origin ON clients (origin);

CREATE TABLE initial_access_tokens (
    id         UUID   NOT NULL PRIMARY KEY,
    -- SHA-256 of the token.
    hash       BYTEA  NOT NULL,
    name       TEXT   NOT NULL,
    max_uses   BIGINT NOT NULL,
    uses       BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX initial_access_tokens_by_hash ON initial_access_tokens (hash);
