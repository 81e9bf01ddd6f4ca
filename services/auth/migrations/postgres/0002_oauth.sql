-- Signing keys, clients, authorization codes, grants and their refresh tokens.

-- One row, locked by whoever changes the keys; `version` tells the other replicas to read them again.
CREATE TABLE key_ring (
    id BIGINT PRIMARY KEY CHECK (id = 1),
    version BIGINT NOT NULL
);
INSERT INTO key_ring (id, version) VALUES (1, 0);

CREATE TABLE signing_keys (
    kid TEXT PRIMARY KEY,
    algorithm TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('published', 'active', 'retired')),
    -- AES-256-GCM: nonce, ciphertext, tag.
    private_key BYTEA NOT NULL,
    -- The name, in the configuration, of the key that encrypts it.
    encryption_key TEXT NOT NULL,
    published_at BIGINT NOT NULL,
    activates_at BIGINT NOT NULL,
    retired_at BIGINT,
    removes_at BIGINT
);
CREATE UNIQUE INDEX signing_keys_one_active ON signing_keys (algorithm) WHERE state = 'active';
CREATE UNIQUE INDEX signing_keys_one_published ON signing_keys (algorithm) WHERE state = 'published';

CREATE TABLE clients (
    id TEXT PRIMARY KEY,
    -- Names it in events: a later client of the same id is another one.
    aggregate_id UUID NOT NULL,
    -- SHA-256; none for a public client.
    secret_hash BYTEA,
    registration JSONB NOT NULL,
    -- 'configuration' or 'administrator': who may change it.
    origin TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

-- What a person allowed a client in one sign-in: the family of its refresh tokens.
CREATE TABLE grants (
    id UUID PRIMARY KEY,
    client_id TEXT NOT NULL,
    subject UUID NOT NULL,
    session_id UUID,
    scope TEXT NOT NULL,
    audiences JSONB NOT NULL,
    auth_time BIGINT NOT NULL,
    amr JSONB NOT NULL,
    -- Outlives the session (scope offline_access).
    offline BOOLEAN NOT NULL,
    -- Successors are HMACs of their predecessors under this.
    rotation_secret BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT
);
CREATE INDEX grants_by_session ON grants (session_id);
CREATE INDEX grants_by_subject ON grants (subject);
CREATE INDEX grants_by_client ON grants (client_id);
CREATE INDEX grants_by_expiry ON grants (expires_at);

CREATE TABLE refresh_tokens (
    hash BYTEA PRIMARY KEY,
    grant_id UUID NOT NULL REFERENCES grants (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL,
    -- When it was exchanged for its successor.
    rotated_at BIGINT,
    successor BYTEA
);
CREATE INDEX refresh_tokens_by_grant ON refresh_tokens (grant_id);

CREATE TABLE authorization_codes (
    hash BYTEA PRIMARY KEY,
    client_id TEXT NOT NULL,
    subject UUID NOT NULL,
    session_id UUID,
    redirect_uri TEXT NOT NULL,
    -- Whether the token request has to repeat it (RFC 6749 §4.1.3).
    redirect_uri_sent BOOLEAN NOT NULL,
    scope TEXT NOT NULL,
    audiences JSONB NOT NULL,
    nonce TEXT,
    code_challenge TEXT,
    auth_time BIGINT NOT NULL,
    amr JSONB NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT,
    -- What it gave, to be revoked when it is used again.
    grant_id UUID
);
CREATE INDEX authorization_codes_by_session ON authorization_codes (session_id);
CREATE INDEX authorization_codes_by_subject ON authorization_codes (subject);
CREATE INDEX authorization_codes_by_expiry ON authorization_codes (expires_at);
