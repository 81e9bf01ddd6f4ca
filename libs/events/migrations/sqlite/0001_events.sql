-- Changes to tell the world, written in the transaction of the change. The names of the columns follow Debezium's
-- outbox. `number` orders the rows of one aggregate as they were written; it has gaps and says nothing about commits.
CREATE TABLE outbox (
    number           INTEGER PRIMARY KEY,
    id               BLOB    NOT NULL UNIQUE,
    aggregate_type   TEXT    NOT NULL,
    aggregate_id     BLOB    NOT NULL,
    type             TEXT    NOT NULL,
    payload          TEXT    NOT NULL,
    sequence         INTEGER NOT NULL,
    schema_version   INTEGER NOT NULL,
    traceparent      TEXT,
    occurred_at      INTEGER NOT NULL,
    partition        INTEGER NOT NULL,
    attempts         INTEGER NOT NULL DEFAULT 0,
    next_attempt_at  INTEGER NOT NULL DEFAULT 0,
    last_error       TEXT,
    dead_lettered_at INTEGER,
    position         INTEGER,
    published_at     INTEGER,
    -- Two changes of one aggregate that claim the same version did not take its row lock.
    UNIQUE (aggregate_id, sequence)
) STRICT;

-- What is still to be published, in the order of writing.
CREATE INDEX outbox_unsent ON outbox (number) WHERE published_at IS NULL AND dead_lettered_at IS NULL;
-- The few aggregates that wait for another attempt.
CREATE INDEX outbox_held ON outbox (aggregate_id)
    WHERE attempts > 0 AND published_at IS NULL AND dead_lettered_at IS NULL;
CREATE INDEX outbox_dead ON outbox (dead_lettered_at) WHERE dead_lettered_at IS NOT NULL;
-- The feed.
CREATE UNIQUE INDEX outbox_position ON outbox (position) WHERE position IS NOT NULL;

-- Which replica publishes which partition. Whoever takes a partition raises `fence`; whoever holds it raises
-- `renewals` again and again, and loses it when that stops.
CREATE TABLE outbox_leases (
    partition INTEGER PRIMARY KEY,
    holder    BLOB,
    fence     INTEGER NOT NULL DEFAULT 0,
    renewals  INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO outbox_leases (partition)
VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9), (10), (11), (12), (13), (14), (15);

-- The replicas that share the partitions, each showing that it is alive.
CREATE TABLE outbox_replicas (
    id    BLOB PRIMARY KEY,
    beats INTEGER NOT NULL
) STRICT;

-- One row: the last position given, and the last that was pruned.
CREATE TABLE outbox_feed (
    one    INTEGER PRIMARY KEY CHECK (one = 1),
    last   INTEGER NOT NULL,
    pruned INTEGER NOT NULL
) STRICT;
INSERT INTO outbox_feed (one, last, pruned) VALUES (1, 0, 0);

-- Events that a consumer has applied.
CREATE TABLE inbox (
    consumer    TEXT    NOT NULL,
    event_id    BLOB    NOT NULL,
    received_at INTEGER NOT NULL,
    PRIMARY KEY (consumer, event_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX inbox_received ON inbox (received_at);

-- The newest version of each aggregate that a consumer has applied.
CREATE TABLE inbox_aggregates (
    consumer     TEXT    NOT NULL,
    aggregate_id BLOB    NOT NULL,
    sequence     INTEGER NOT NULL,
    PRIMARY KEY (consumer, aggregate_id)
) STRICT, WITHOUT ROWID;

-- Events that a consumer could not apply, and those of the same aggregate that wait behind them.
CREATE TABLE inbox_parked (
    consumer         TEXT    NOT NULL,
    event_id         BLOB    NOT NULL,
    aggregate_id     BLOB    NOT NULL,
    sequence         INTEGER NOT NULL,
    envelope         TEXT    NOT NULL,
    attempts         INTEGER NOT NULL,
    next_attempt_at  INTEGER NOT NULL,
    last_error       TEXT    NOT NULL,
    dead_lettered_at INTEGER,
    PRIMARY KEY (consumer, event_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX inbox_parked_order ON inbox_parked (consumer, aggregate_id, sequence) WHERE dead_lettered_at IS NULL;

-- How far each consumer has come in the feed that it follows; -1: it has not begun.
CREATE TABLE consumer_positions (
    consumer   TEXT    PRIMARY KEY,
    position   INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
