-- Clients that provision users and groups over SCIM with tokens of this service, for systems that cannot get tokens by OAuth.
CREATE TABLE provisioning_clients (
    id         BLOB   NOT NULL PRIMARY KEY,
    name       TEXT   NOT NULL,
    -- The name as it is compared: in lower case.
    name_key   TEXT   NOT NULL UNIQUE,
    -- Separated by spaces.
    scope      TEXT   NOT NULL,
    -- The networks that requests may come from, separated by spaces; empty: all.
    networks   TEXT   NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Their tokens. A revoked one has no row.
CREATE TABLE provisioning_tokens (
    id           BLOB   NOT NULL PRIMARY KEY,
    client_id    BLOB   NOT NULL REFERENCES provisioning_clients (id) ON DELETE CASCADE,
    -- SHA-256.
    token_hash   BLOB    NOT NULL UNIQUE,
    -- The checksum at the end of the token, by which people tell two apart. It says nothing of the rest.
    ending       TEXT   NOT NULL,
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    -- By the minute.
    last_used_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX provisioning_tokens_of_client ON provisioning_tokens (client_id);
