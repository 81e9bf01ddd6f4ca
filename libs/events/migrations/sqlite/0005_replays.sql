-- Published events that are to be published once more, to a broker. The relay that holds the partition does so, and
-- deletes them here, unless they were asked for once more meanwhile.
CREATE TABLE outbox_replays (
    position  INTEGER PRIMARY KEY,
    partition INTEGER NOT NULL,
    asked     INTEGER NOT NULL DEFAULT 1
) STRICT;
