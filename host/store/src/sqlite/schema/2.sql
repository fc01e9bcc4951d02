-- What is kept of the log: `first_record` is the number of the first record that is, `first_link` its link, and `bytes` those of
-- the lines from there on. What lies before is being erased. Which blobs the records before `named` name is in `named`.
ALTER TABLE head ADD COLUMN first_record INTEGER NOT NULL DEFAULT 0;
ALTER TABLE head ADD COLUMN first_link BLOB NOT NULL DEFAULT x'0000000000000000000000000000000000000000000000000000000000000000';
ALTER TABLE head ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE head ADD COLUMN named INTEGER NOT NULL DEFAULT 0;
UPDATE head SET bytes = (SELECT coalesce(sum(bytes), 0) FROM segment);
DROP TABLE segment;

-- Signed checkpoints: the one that ended a segment, from the last segment that was dropped on, and the last of the segment that
-- grows. `records` is how many records the log had. `standing` is a JSON list of the numbers of the lines that stand at a
-- segment's end, null of one that grows.
CREATE TABLE checkpoint (
    segment INTEGER PRIMARY KEY,
    records INTEGER NOT NULL,
    standing TEXT,
    envelope BLOB NOT NULL
) STRICT;
CREATE INDEX checkpoint_records ON checkpoint (records);

-- The lines that stand where what is kept begins, in the order in which they are listed.
CREATE TABLE standing (
    place INTEGER PRIMARY KEY,
    seq INTEGER NOT NULL UNIQUE,
    bytes BLOB NOT NULL
) STRICT;

-- The last segment whose records name a blob, of segments that have ended. Filled where old segments are dropped.
CREATE TABLE named (
    name BLOB PRIMARY KEY,
    segment INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
