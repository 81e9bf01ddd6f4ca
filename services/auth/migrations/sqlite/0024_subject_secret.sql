-- The secret that pairwise subject identifiers are derived from (OpenID Connect Core §8.1): one row. It is never changed, since
-- applications know people by what is derived from it.
CREATE TABLE subject_secret (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    -- AES-256-GCM: nonce, ciphertext, tag.
    secret BLOB NOT NULL,
    -- The name, in the configuration, of the key that encrypts it.
    encryption_key TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
