-- Where a consumer reads, in columns of their own. Until now `consumer` packed them into one text: `auth` for the feed,
-- `auth@kafka@1f0c…` for a place in a broker. The release before still writes that text alone, so this one writes both, and
-- fills the columns of rows that appear without them. A later release drops the text.
ALTER TABLE consumer_positions ADD COLUMN name TEXT;
-- 'feed', 'kafka', 'rabbitmq'
ALTER TABLE consumer_positions ADD COLUMN transport TEXT;
-- A hash of the place in the broker: its address, topic or queue, and group. Empty for the feed.
ALTER TABLE consumer_positions ADD COLUMN namespace TEXT;

UPDATE consumer_positions
SET (name, transport, namespace) = (
    SELECT substr(key.text, 1, key.first - 1),
           CASE key.rest WHEN '' THEN 'feed' ELSE substr(key.rest, 1, instr(key.rest, '@') - 1) END,
           substr(key.rest, instr(key.rest, '@') + 1)
    FROM (SELECT consumer AS text, instr(consumer || '@', '@') AS first,
                 substr(consumer, instr(consumer || '@', '@') + 1) AS rest) AS key)
WHERE consumer NOT LIKE '@%';

CREATE UNIQUE INDEX consumer_positions_place ON consumer_positions (name, transport, namespace);

-- What a service still has to do after its database was restored from a backup. Until now these were rows called
-- `@restored` of `consumer_positions` ('read_feed') and of `reconciliations` ('reconcile'), which the release before still
-- reads and writes, and this one beside it.
CREATE TABLE restoration_steps (
    -- 'read_feed': read in the feed what a broker gave to the database that was replaced.
    -- 'reconcile': compare with the service that is followed, and repair.
    step        TEXT    PRIMARY KEY CHECK (step IN ('read_feed', 'reconcile')),
    restored_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO restoration_steps (step, restored_at)
SELECT 'read_feed', updated_at FROM consumer_positions WHERE consumer = '@restored';
INSERT INTO restoration_steps (step, restored_at)
SELECT 'reconcile', started_at FROM reconciliations WHERE consumer = '@restored';
