-- Published events that are to be published once more, to a broker. The relay that holds the partition does so, and
-- deletes them here, unless they were asked for once more meanwhile.
CREATE TABLE outbox_replays (
    position  BIGINT  PRIMARY KEY,
    partition INTEGER NOT NULL,
    asked     BIGINT  NOT NULL DEFAULT 1
);
