-- Signing keys of the algorithms that clients ask for beside ES256 and RS256. A release without this table reads
-- `signing_keys` and would fail on such a key.
CREATE TABLE further_signing_keys (
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
CREATE UNIQUE INDEX further_signing_keys_one_active ON further_signing_keys (algorithm) WHERE state = 'active';
CREATE UNIQUE INDEX further_signing_keys_one_published ON further_signing_keys (algorithm) WHERE state = 'published';
