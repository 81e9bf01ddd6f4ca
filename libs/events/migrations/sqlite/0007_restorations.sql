-- After a restoration from a backup: positions after `stopped_at` may have been given to events that are lost, so new ones
-- begin after `resumed_after`; a follower that stands between them begins with a snapshot. For the same reason versions of
-- aggregates that are new here begin with `first_sequence`.
ALTER TABLE outbox_feed ADD COLUMN stopped_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE outbox_feed ADD COLUMN resumed_after INTEGER NOT NULL DEFAULT 0;
ALTER TABLE outbox_feed ADD COLUMN first_sequence INTEGER NOT NULL DEFAULT 1;

-- One row from the restoration to the next start of the service, which then does what follows from it. May be there already:
-- whoever restores a backup of an older version makes it.
CREATE TABLE IF NOT EXISTS restorations (
    one           INTEGER PRIMARY KEY CHECK (one = 1),
    taken_at      BIGINT  NOT NULL,
    restored_at   BIGINT  NOT NULL,
    keep_sessions BOOLEAN NOT NULL
);
