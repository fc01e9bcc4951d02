-- Of the host's own inputs before `first_host` only those are kept that something still needs: generations that can serve
-- again, and the last one about each thing.
ALTER TABLE head ADD COLUMN first_host INTEGER NOT NULL DEFAULT 1;

-- What an input is about, such as a source: a later one of its kind about the same takes its place.
ALTER TABLE host_input ADD COLUMN about TEXT;
UPDATE host_input SET about = json_extract(CAST(payload AS TEXT), '$.source')
    WHERE kind = 'source' AND json_valid(CAST(payload AS TEXT));
CREATE INDEX host_input_about ON host_input (kind, about, seq) WHERE about IS NOT NULL;

-- Which of its kind an input is, counted from 1: the number of a generation, which stays that when earlier ones are dropped.
ALTER TABLE host_input ADD COLUMN number INTEGER NOT NULL DEFAULT 0;
UPDATE host_input SET number = counted.number
    FROM (SELECT seq, row_number() OVER (PARTITION BY kind ORDER BY seq) AS number FROM host_input) AS counted
    WHERE counted.seq = host_input.seq;
CREATE UNIQUE INDEX host_input_number ON host_input (kind, number);

-- Which input names which content. One that doesn't last is needed only to judge again what came after its input.
CREATE TABLE content_of (
    input INTEGER NOT NULL,
    digest BLOB NOT NULL,
    lasts INTEGER NOT NULL,
    PRIMARY KEY (input, digest)
) STRICT, WITHOUT ROWID;
CREATE INDEX content_of_digest ON content_of (digest);
INSERT INTO content_of
    SELECT seq, unhex(value), max(fullkey <> '$.kept')
    FROM host_input, json_tree(CASE WHEN json_valid(CAST(payload AS TEXT)) THEN CAST(payload AS TEXT) ELSE '{}' END)
    WHERE kind = 'generation' AND json_tree.type = 'text' AND length(value) = 64
        AND unhex(value) IN (SELECT digest FROM content)
    GROUP BY 1, 2;

-- What the host remembers that is no input: nothing is judged by it.
CREATE TABLE fact (
    name TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;
