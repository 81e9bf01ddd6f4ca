-- Signing keys, clients, authorization codes, grants and their refresh tokens.

-- One row, locked by whoever changes the keys; `version` tells the other replicas to read them again.
CREATE TABLE key_ring (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    version INTEGER NOT NULL
) STRICT;
INSERT INTO key_ring (id, version) VALUES (1, 0);

CREATE TABLE signing_keys (
    kid TEXT PRIMARY KEY,
    algorithm TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('published', 'active', 'retired')),
    -- AES-256-GCM: nonce, ciphertext, tag.
    private_key BLOB NOT NULL,
    -- The name, in the configuration, of the key that encrypts it.
    encryption_key TEXT NOT NULL,
    published_at INTEGER NOT NULL,
    activates_at INTEGER NOT NULL,
    retired_at INTEGER,
    removes_at INTEGER
) STRICT;
CREATE UNIQUE INDEX signing_keys_one_active ON signing_keys (algorithm) WHERE state = 'active';
CREATE UNIQUE INDEX signing_keys_one_published ON signing_keys (algorithm) WHERE state = 'published';

CREATE TABLE clients (
    id TEXT PRIMARY KEY,
    -- Names it in events: a later client of the same id is another one.
    aggregate_id BLOB NOT NULL,
    -- SHA-256; none for a public client.
    secret_hash BLOB,
    registration TEXT NOT NULL,
    -- 'configuration' or 'administrator': who may change it.
    origin TEXT NOT NULL,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

-- What a person allowed a client in one sign-in: the family of its refresh tokens.
CREATE TABLE grants (
    id BLOB PRIMARY KEY,
    client_id TEXT NOT NULL,
    subject BLOB NOT NULL,
    session_id BLOB,
    scope TEXT NOT NULL,
    audiences TEXT NOT NULL,
    auth_time INTEGER NOT NULL,
    amr TEXT NOT NULL,
    -- Outlives the session (scope offline_access).
    offline INTEGER NOT NULL,
    -- Successors are HMACs of their predecessors under this.
    rotation_secret BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    revoked_at INTEGER
) STRICT;
CREATE INDEX grants_by_session ON grants (session_id);
CREATE INDEX grants_by_subject ON grants (subject);
CREATE INDEX grants_by_client ON grants (client_id);
CREATE INDEX grants_by_expiry ON grants (expires_at);

CREATE TABLE refresh_tokens (
    hash BLOB PRIMARY KEY,
    grant_id BLOB NOT NULL REFERENCES grants (id) ON DELETE CASCADE,
    created_at INTEGER NOT NULL,
    -- When it was exchanged for its successor.
    rotated_at INTEGER,
    successor BLOB
) STRICT;
CREATE INDEX refresh_tokens_by_grant ON refresh_tokens (grant_id);

CREATE TABLE authorization_codes (
    hash BLOB PRIMARY KEY,
    client_id TEXT NOT NULL,
    subject BLOB NOT NULL,
    session_id BLOB,
    redirect_uri TEXT NOT NULL,
    -- Whether the token request has to repeat it (RFC 6749 §4.1.3).
    redirect_uri_sent INTEGER NOT NULL,
    scope TEXT NOT NULL,
    audiences TEXT NOT NULL,
    nonce TEXT,
    code_challenge TEXT,
    auth_time INTEGER NOT NULL,
    amr TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at INTEGER,
    -- What it gave, to be revoked when it is used again.
    grant_id BLOB
) STRICT;
CREATE INDEX authorization_codes_by_session ON authorization_codes (session_id);
CREATE INDEX authorization_codes_by_subject ON authorization_codes (subject);
CREATE INDEX authorization_codes_by_expiry ON authorization_codes (expires_at);
