-- Accounts. The id is the user's, proposed here at registration or told by the user service. `version` numbers the
-- events of the account and is raised under its row lock.
CREATE TABLE accounts (
    id         UUID    PRIMARY KEY,
    version    BIGINT  NOT NULL,
    created_at BIGINT  NOT NULL
);

-- The password of an account: a PHC string.
CREATE TABLE passwords (
    account_id UUID    PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE,
    hash       TEXT    NOT NULL,
    changed_at BIGINT  NOT NULL
);

-- Registrations, until some time after their answer. `request` is the command to the user service, kept while the
-- registration is pending.
CREATE TABLE registrations (
    id            UUID    PRIMARY KEY,
    state         TEXT    NOT NULL CHECK (state IN ('pending', 'accepted', 'rejected', 'expired')),
    reason        TEXT,
    user_name_key TEXT,
    request       JSONB,
    requested_at  BIGINT  NOT NULL,
    expires_at    BIGINT  NOT NULL,
    answered_at   BIGINT
);
CREATE INDEX registrations_pending ON registrations (expires_at) WHERE state = 'pending';
CREATE INDEX registrations_name ON registrations (user_name_key) WHERE state = 'pending';
CREATE INDEX registrations_answered ON registrations (answered_at) WHERE state <> 'pending';

-- What the user service last told of a person. Names are unique there; here two may share one for a moment, when one
-- person's event overtakes another's.
CREATE TABLE subjects (
    id            UUID    PRIMARY KEY,
    user_name_key TEXT    NOT NULL,
    active        BOOLEAN NOT NULL,
    administrator BOOLEAN NOT NULL,
    claims        JSONB    NOT NULL,
    version       BIGINT  NOT NULL,
    updated_at    BIGINT  NOT NULL
);
CREATE INDEX subjects_name ON subjects (user_name_key);
CREATE INDEX subjects_administrators ON subjects (id) WHERE administrator AND active;

-- Who was erased. Kept, so that a replayed event cannot bring a person back.
CREATE TABLE erased_subjects (
    id        UUID    PRIMARY KEY,
    version   BIGINT  NOT NULL,
    erased_at BIGINT  NOT NULL
);

-- Sign-in sessions.
CREATE TABLE sessions (
    id           UUID    PRIMARY KEY,
    token_hash   BYTEA   NOT NULL UNIQUE,
    account_id   UUID    NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    auth_time    BIGINT  NOT NULL,
    amr          TEXT    NOT NULL,
    started_at   BIGINT  NOT NULL,
    last_seen_at BIGINT  NOT NULL,
    idle_until   BIGINT  NOT NULL,
    expires_at   BIGINT  NOT NULL,
    client_ip    TEXT,
    user_agent   TEXT
);
CREATE INDEX sessions_account ON sessions (account_id);
CREATE INDEX sessions_idle ON sessions (idle_until);

-- Browsers and programs in which a person has signed in before.
CREATE TABLE devices (
    token_hash BYTEA   PRIMARY KEY,
    account_id UUID    NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    created_at BIGINT  NOT NULL
);
CREATE INDEX devices_account ON devices (account_id);

-- Failures in a row, per hash of an account's name, of a source or of a device.
CREATE TABLE throttles (
    key       BYTEA   PRIMARY KEY,
    failures  BIGINT  NOT NULL,
    failed_at BIGINT  NOT NULL
);
CREATE INDEX throttles_failed ON throttles (failed_at);

-- One-time links: the set-up link of the first administrator, and invitations.
CREATE TABLE setup_links (
    token_hash BYTEA   PRIMARY KEY,
    purpose    TEXT    NOT NULL CHECK (purpose IN ('administrator', 'invitation')),
    account_id UUID,
    created_at BIGINT  NOT NULL,
    expires_at BIGINT  NOT NULL,
    used_at    BIGINT
);
CREATE INDEX setup_links_account ON setup_links (account_id);
