-- One row. `epoch` counts how often the recorder was opened for writing. Batches before `first_batch` were dropped once they
-- were judged. `arrived` is the greatest time of arrival so far, microseconds: a clock that is set back doesn't show.
CREATE TABLE head (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    epoch INTEGER NOT NULL,
    first_batch INTEGER NOT NULL,
    arrived INTEGER NOT NULL
) STRICT;
INSERT INTO head VALUES (1, 0, 1, -9223372036854775808);

-- Sources by their numbers, from 0; a number is never given to another. `records` and `offset` are where the source's own
-- stream goes on: how many records, and bytes, were recorded of it.
CREATE TABLE source (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    records INTEGER NOT NULL,
    offset INTEGER NOT NULL
) STRICT;

-- The stream: batches of records in the order in which they are judged, numbered from 1. `start` is the position in the
-- source's stream at which the bytes begin, `bytes` are compressed (zstd, RFC 8878).
CREATE TABLE batch (
    seq INTEGER PRIMARY KEY,
    source INTEGER NOT NULL REFERENCES source,
    arrived INTEGER NOT NULL,
    start TEXT NOT NULL,
    first_record INTEGER NOT NULL,
    records INTEGER NOT NULL,
    length INTEGER NOT NULL,
    bytes BLOB NOT NULL
) STRICT;
CREATE INDEX batch_of_source ON batch (source, first_record);

-- Inputs of the host's own: time, generations, people's words, outcomes. `before` is the batch before which one is taken,
-- null while it waits for its turn.
CREATE TABLE host_input (
    seq INTEGER PRIMARY KEY,
    before INTEGER,
    arrived INTEGER NOT NULL,
    kind TEXT NOT NULL,
    payload BLOB NOT NULL
) STRICT;
CREATE INDEX host_input_turn ON host_input (before, seq);

-- Where each input of a source goes on.
CREATE TABLE bookmark (
    source INTEGER NOT NULL REFERENCES source,
    input TEXT NOT NULL,
    bookmark TEXT NOT NULL,
    PRIMARY KEY (source, input)
) STRICT, WITHOUT ROWID;

-- What a sender was answered under a key of its own, so that sending it again records nothing twice.
CREATE TABLE idempotency (
    source INTEGER NOT NULL REFERENCES source,
    key TEXT NOT NULL,
    content BLOB NOT NULL,
    answer BLOB NOT NULL,
    arrived INTEGER NOT NULL,
    PRIMARY KEY (source, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_age ON idempotency (arrived);

-- What host inputs name by digest (SHA-256): files of generations. Compressed.
CREATE TABLE content (
    digest BLOB PRIMARY KEY,
    length INTEGER NOT NULL,
    bytes BLOB NOT NULL
) STRICT, WITHOUT ROWID;
