-- The end of the log as of the last commit, and how often the store was opened for writing. One row.
CREATE TABLE head (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    epoch INTEGER NOT NULL,
    records INTEGER NOT NULL,
    link BLOB NOT NULL
) STRICT;
INSERT INTO head VALUES (1, 0, 0, zeroblob(32));

-- The log's lines, newline included, by their sequence numbers.
CREATE TABLE line (
    seq INTEGER PRIMARY KEY,
    bytes BLOB NOT NULL
) STRICT;

-- Runs of lines of about the same size: each begins where the one before ends.
CREATE TABLE segment (
    number INTEGER PRIMARY KEY,
    first_seq INTEGER NOT NULL,
    first_link BLOB NOT NULL,
    bytes INTEGER NOT NULL
) STRICT;

CREATE TABLE blob (
    name BLOB PRIMARY KEY,
    bytes BLOB NOT NULL
) STRICT;

-- Findings and intents as JSON, numbered from 1.
CREATE TABLE finding (
    number INTEGER PRIMARY KEY,
    entry BLOB NOT NULL
) STRICT;

CREATE TABLE intent (
    number INTEGER PRIMARY KEY,
    entry BLOB NOT NULL
) STRICT;

-- Keyed state. `kept` is JSON; null if there are no references.
CREATE TABLE state (
    rule TEXT NOT NULL,
    slot TEXT NOT NULL,
    key TEXT NOT NULL,
    version INTEGER NOT NULL,
    changed INTEGER NOT NULL,
    kept BLOB,
    bytes BLOB NOT NULL,
    PRIMARY KEY (rule, slot, key)
) STRICT, WITHOUT ROWID;

-- State as of the last tick; `version`, `changed` and `bytes` are null where there was none.
CREATE TABLE baseline (
    rule TEXT NOT NULL,
    slot TEXT NOT NULL,
    key TEXT NOT NULL,
    version INTEGER,
    changed INTEGER,
    kept BLOB,
    bytes BLOB,
    PRIMARY KEY (rule, slot, key)
) STRICT, WITHOUT ROWID;

-- Pending timers; the entry is JSON.
CREATE TABLE timer (
    rule TEXT NOT NULL,
    key TEXT NOT NULL,
    id TEXT NOT NULL,
    entry BLOB NOT NULL,
    PRIMARY KEY (rule, key, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE memory (
    space TEXT NOT NULL,
    key BLOB NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (space, key)
) STRICT, WITHOUT ROWID;
