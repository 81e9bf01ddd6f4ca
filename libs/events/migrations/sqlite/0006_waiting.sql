-- The aggregates that wait for another attempt: after a failure that counts, or because the transport took others only.
DROP INDEX outbox_held;
CREATE INDEX outbox_waiting ON outbox (aggregate_id)
    WHERE next_attempt_at > 0 AND published_at IS NULL AND dead_lettered_at IS NULL;
