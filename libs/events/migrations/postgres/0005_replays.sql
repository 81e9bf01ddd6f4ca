-- Published events that are to be published once more, to a broker. The relay that holds the partition does so, and
-- deletes them here.
CREATE TABLE outbox_replays (
    position  BIGINT  PRIMARY KEY,
    partition INTEGER NOT NULL
);
