-- Changes to tell the world, written in the transaction of the change. The names of the columns follow Debezium's
-- outbox. `number` orders the rows of one aggregate as they were written; it has gaps and says nothing about commits.
CREATE TABLE outbox (
    number           BIGINT  GENERATED ALWAYS AS IDENTITY,
    id               UUID    PRIMARY KEY,
    aggregate_type   TEXT    NOT NULL,
    aggregate_id     UUID    NOT NULL,
    type             TEXT    NOT NULL,
    payload          JSONB   NOT NULL,
    sequence         BIGINT  NOT NULL,
    schema_version   INTEGER NOT NULL,
    traceparent      TEXT,
    occurred_at      BIGINT  NOT NULL,
    partition        INTEGER NOT NULL,
    attempts         INTEGER NOT NULL DEFAULT 0,
    next_attempt_at  BIGINT  NOT NULL DEFAULT 0,
    last_error       TEXT,
    dead_lettered_at BIGINT,
    position         BIGINT,
    published_at     BIGINT,
    -- Two changes of one aggregate that claim the same version did not take its row lock.
    UNIQUE (aggregate_id, sequence)
);
-- Every row is updated once, soon after it was written.
ALTER TABLE outbox SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);

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
    holder    UUID,
    fence     BIGINT NOT NULL DEFAULT 0,
    renewals  BIGINT NOT NULL DEFAULT 0
) WITH (fillfactor = 50);
INSERT INTO outbox_leases (partition) SELECT generate_series(0, 15);

-- The replicas that share the partitions, each showing that it is alive.
CREATE TABLE outbox_replicas (
    id    UUID   PRIMARY KEY,
    beats BIGINT NOT NULL
) WITH (fillfactor = 50);

-- One row: the last position given, and the last that was pruned.
CREATE TABLE outbox_feed (
    one    INTEGER PRIMARY KEY CHECK (one = 1),
    last   BIGINT NOT NULL,
    pruned BIGINT NOT NULL
) WITH (fillfactor = 50);
INSERT INTO outbox_feed (one, last, pruned) VALUES (1, 0, 0);

-- Events that a consumer has applied.
CREATE TABLE inbox (
    consumer    TEXT   NOT NULL,
    event_id    UUID   NOT NULL,
    received_at BIGINT NOT NULL,
    PRIMARY KEY (consumer, event_id)
);
CREATE INDEX inbox_received ON inbox (received_at);

-- The newest version of each aggregate that a consumer has applied.
CREATE TABLE inbox_aggregates (
    consumer     TEXT   NOT NULL,
    aggregate_id UUID   NOT NULL,
    sequence     BIGINT NOT NULL,
    PRIMARY KEY (consumer, aggregate_id)
);

-- Events that a consumer could not apply, and those of the same aggregate that wait behind them.
CREATE TABLE inbox_parked (
    consumer         TEXT    NOT NULL,
    event_id         UUID    NOT NULL,
    aggregate_id     UUID    NOT NULL,
    sequence         BIGINT  NOT NULL,
    envelope         TEXT    NOT NULL,
    attempts         INTEGER NOT NULL,
    next_attempt_at  BIGINT  NOT NULL,
    last_error       TEXT    NOT NULL,
    dead_lettered_at BIGINT,
    PRIMARY KEY (consumer, event_id)
);

CREATE INDEX inbox_parked_order ON inbox_parked (consumer, aggregate_id, sequence) WHERE dead_lettered_at IS NULL;

-- How far each consumer has come in the feed that it follows; -1: it has not begun.
CREATE TABLE consumer_positions (
    consumer   TEXT   PRIMARY KEY,
    position   BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
