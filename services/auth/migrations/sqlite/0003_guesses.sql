-- When the last try was counted, before it was judged. `failed_at` is when one last turned out wrong.
ALTER TABLE throttles ADD COLUMN tried_at INTEGER NOT NULL DEFAULT 0;

-- When somebody last signed in with the device; 0 for never since it was made.
ALTER TABLE devices ADD COLUMN used_at INTEGER NOT NULL DEFAULT 0;

-- The proof that a browser made a registration, with which it signs in once: a hash of its secret and of the browser's.
ALTER TABLE registrations ADD COLUMN proof_hash BLOB;
ALTER TABLE registrations ADD COLUMN proof_at INTEGER;

-- Failed sign-ins of a minute, until they are published as one event for each account, source and reason. The account is
-- 00000000-0000-0000-0000-000000000000 for names that nobody has.
CREATE TABLE failed_sign_ins (
    minute_at  INTEGER NOT NULL,
    account_id BLOB    NOT NULL,
    source     TEXT    NOT NULL,
    reason     TEXT    NOT NULL,
    client_ip  TEXT,
    failures   INTEGER NOT NULL,
    PRIMARY KEY (minute_at, account_id, source, reason)
) STRICT, WITHOUT ROWID;

-- What is allowed a number of times in an hour, per hash of what it is counted for.
CREATE TABLE quotas (
    key      BLOB    PRIMARY KEY,
    used     INTEGER NOT NULL,
    began_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX quotas_began ON quotas (began_at);
