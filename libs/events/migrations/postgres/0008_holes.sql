-- Sequence numbers that no event ever had. Earlier releases of `auth` left one out whenever somebody chose a password
-- with a link: it stands before the end of the sessions, or before the news of the password. `events verify` counts them
-- as there.
CREATE TABLE outbox_holes (
    aggregate_id UUID   NOT NULL,
    sequence     BIGINT NOT NULL,
    PRIMARY KEY (aggregate_id, sequence)
);

INSERT INTO outbox_holes (aggregate_id, sequence)
SELECT aggregate_id, sequence - 1
FROM (SELECT aggregate_id, aggregate_type, type, sequence,
             lag(sequence) OVER (PARTITION BY aggregate_id ORDER BY sequence) AS earlier
      FROM outbox) AS events
WHERE aggregate_type = 'account' AND sequence = earlier + 2
  AND type IN ('vestibule.session.ended.v1', 'vestibule.credential.added.v1');
