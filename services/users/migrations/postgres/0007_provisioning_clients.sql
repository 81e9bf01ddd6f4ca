-- Clients that provision users and groups over SCIM with tokens of this service, for systems that cannot get tokens by OAuth.
CREATE TABLE provisioning_clients (
    id         UUID   NOT NULL PRIMARY KEY,
    name       TEXT   NOT NULL,
    -- The name as it is compared: in lower case.
    name_key   TEXT   NOT NULL CONSTRAINT provisioning_clients_name_key UNIQUE,
    -- Separated by spaces.
    scope      TEXT   NOT NULL,
    -- The networks that requests may come from, separated by spaces; empty: all.
    networks   TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

-- Their tokens. A revoked one has no row.
CREATE TABLE provisioning_tokens (
    id           UUID   NOT NULL PRIMARY KEY,
    client_id    UUID   NOT NULL REFERENCES provisioning_clients (id) ON DELETE CASCADE,
    -- SHA-256.
    token_hash   BYTEA  NOT NULL CONSTRAINT provisioning_tokens_hash UNIQUE,
    -- The checksum at the end of the token, by which people tell two apart. It says nothing of the rest.
    ending       TEXT   NOT NULL,
    created_at   BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    -- By the minute.
    last_used_at BIGINT
);

CREATE INDEX provisioning_tokens_of_client ON provisioning_tokens (client_id);
