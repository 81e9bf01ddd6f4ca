-- Messages of a broker that are no events: kept for people to look at.
CREATE TABLE inbox_unreadable (
    consumer    TEXT   NOT NULL,
    transport   TEXT   NOT NULL,
    -- Where it was: topic, partition and offset, or the id that the broker gave it.
    place       TEXT   NOT NULL,
    error       TEXT   NOT NULL,
    body        BYTEA  NOT NULL,
    received_at BIGINT NOT NULL,
    PRIMARY KEY (consumer, transport, place)
);
