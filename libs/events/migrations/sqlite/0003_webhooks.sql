-- Where events are sent over HTTP, each on its own way through the feed.
CREATE TABLE webhooks (
    id                  BLOB    PRIMARY KEY,
    url                 TEXT   NOT NULL,
    -- Patterns, with a space between them.
    types               TEXT   NOT NULL,
    description         TEXT   NOT NULL,
    -- What deliveries are signed with, encrypted under the key of that name; beside it, until `previous_until`, the
    -- one from before.
    secret              BLOB  NOT NULL,
    secret_key          TEXT   NOT NULL,
    previous_secret     BLOB,
    previous_secret_key TEXT,
    previous_until      INTEGER,
    disabled_at         INTEGER,
    disabled_reason     TEXT,
    -- The receiver asked to be left alone until then.
    paused_until        INTEGER NOT NULL DEFAULT 0,
    -- The last event of the feed that was looked at for this webhook.
    position            INTEGER NOT NULL,
    version             INTEGER NOT NULL,
    created_at          INTEGER NOT NULL,
    updated_at          INTEGER NOT NULL
) STRICT;

-- One event on its way to one webhook, and afterwards the log of it.
CREATE TABLE webhook_deliveries (
    webhook_id      BLOB    NOT NULL,
    event_id        BLOB    NOT NULL,
    position        INTEGER  NOT NULL,
    aggregate_id    BLOB    NOT NULL,
    type            TEXT    NOT NULL,
    envelope        TEXT    NOT NULL,
    state           TEXT    NOT NULL DEFAULT 'pending',
    attempts        INTEGER NOT NULL DEFAULT 0,
    next_attempt_at INTEGER  NOT NULL,
    -- Until then it belongs to the replica that raised `claims` last.
    claimed_until   INTEGER  NOT NULL DEFAULT 0,
    claims          INTEGER  NOT NULL DEFAULT 0,
    last_status     INTEGER,
    last_error      TEXT,
    created_at      INTEGER  NOT NULL,
    last_attempt_at INTEGER,
    finished_at     INTEGER,
    PRIMARY KEY (webhook_id, event_id)
) STRICT, WITHOUT ROWID;

-- What is due, in the order in which it is sent, and what is before it of the same aggregate.
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (webhook_id, next_attempt_at, position, event_id)
    WHERE state = 'pending';
CREATE INDEX webhook_deliveries_order ON webhook_deliveries (webhook_id, aggregate_id, position, event_id)
    WHERE state = 'pending';
CREATE INDEX webhook_deliveries_dead ON webhook_deliveries (webhook_id) WHERE state = 'dead';
CREATE INDEX webhook_deliveries_finished ON webhook_deliveries (finished_at) WHERE finished_at IS NOT NULL;
