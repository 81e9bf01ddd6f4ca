-- Accounts. The id is the user's, proposed here at registration or told by the user service. `version` numbers the
-- events of the account and is raised under its row lock.
CREATE TABLE accounts (
    id         BLOB    PRIMARY KEY,
    version    INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The password of an account: a PHC string.
CREATE TABLE passwords (
    account_id BLOB    PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE,
    hash       TEXT    NOT NULL,
    changed_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Registrations, until some time after their answer. `request` is the command to the user service, kept while the
-- registration is pending.
CREATE TABLE registrations (
    id            BLOB    PRIMARY KEY,
    state         TEXT    NOT NULL CHECK (state IN ('pending', 'accepted', 'rejected', 'expired')),
    reason        TEXT,
    user_name_key TEXT,
    request       TEXT,
    requested_at  INTEGER NOT NULL,
    expires_at    INTEGER NOT NULL,
    answered_at   INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX registrations_pending ON registrations (expires_at) WHERE state = 'pending';
CREATE INDEX registrations_name ON registrations (user_name_key) WHERE state = 'pending';
CREATE INDEX registrations_answered ON registrations (answered_at) WHERE state <> 'pending';

-- What the user service last told of a person. Names are unique there; here two may share one for a moment, when one
-- person's event overtakes another's.
CREATE TABLE subjects (
    id            BLOB    PRIMARY KEY,
    user_name_key TEXT    NOT NULL,
    active        INTEGER NOT NULL,
    administrator INTEGER NOT NULL,
    claims        TEXT    NOT NULL,
    version       INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX subjects_name ON subjects (user_name_key);
CREATE INDEX subjects_administrators ON subjects (id) WHERE administrator = 1 AND active = 1;

-- Who was erased. Kept, so that a replayed event cannot bring a person back.
CREATE TABLE erased_subjects (
    id        BLOB    PRIMARY KEY,
    version   INTEGER NOT NULL,
    erased_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Sign-in sessions.
CREATE TABLE sessions (
    id           BLOB    PRIMARY KEY,
    token_hash   BLOB    NOT NULL UNIQUE,
    account_id   BLOB    NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    auth_time    INTEGER NOT NULL,
    amr          TEXT    NOT NULL,
    started_at   INTEGER NOT NULL,
    last_seen_at INTEGER NOT NULL,
    idle_until   INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    client_ip    TEXT,
    user_agent   TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_account ON sessions (account_id);
CREATE INDEX sessions_idle ON sessions (idle_until);

-- Browsers and programs in which a person has signed in before.
CREATE TABLE devices (
    token_hash BLOB    PRIMARY KEY,
    account_id BLOB    NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX devices_account ON devices (account_id);

-- Failures in a row, per hash of an account's name, of a source or of a device.
CREATE TABLE throttles (
    key       BLOB    PRIMARY KEY,
    failures  INTEGER NOT NULL,
    failed_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX throttles_failed ON throttles (failed_at);

-- One-time links: the set-up link of the first administrator, and invitations.
CREATE TABLE setup_links (
    token_hash BLOB    PRIMARY KEY,
    purpose    TEXT    NOT NULL CHECK (purpose IN ('administrator', 'invitation')),
    account_id BLOB,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at    INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX setup_links_account ON setup_links (account_id);
