-- Grants that were revoked and clients that were deleted, as `auth` reported them, until no token of theirs can be
-- valid. So that a start without `auth` still refuses them.
CREATE TABLE revocations (
    -- 'grant' or 'client'
    kind       TEXT    NOT NULL,
    -- The claim of the token: `gid` or `client_id`.
    id         TEXT    NOT NULL,
    -- Tokens of a client that were issued up to then are refused.
    revoked_at INTEGER NOT NULL,
    forget_at  INTEGER NOT NULL,
    PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX revocations_forget ON revocations (forget_at);
