-- What a directory keeps. Times are microseconds since 1970; `n` is the order in which rows were made.

CREATE TABLE head (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    epoch INTEGER NOT NULL,
    -- Of the directory; null until it has one.
    tenant TEXT,
    log TEXT,
    created INTEGER,
    -- The seed of the key that access tokens are signed by.
    signing BLOB
) STRICT;
INSERT INTO head (one, epoch) VALUES (1, 0);

CREATE TABLE accounts (
    n INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    username TEXT NOT NULL,
    display_name TEXT NOT NULL,
    kind TEXT NOT NULL,
    created INTEGER NOT NULL,
    deleted INTEGER,
    enabled INTEGER NOT NULL DEFAULT 1,
    suspended INTEGER NOT NULL DEFAULT 0,
    suspended_until INTEGER,
    sign_in_blocked INTEGER NOT NULL DEFAULT 0,
    -- A list of factors, as JSON.
    required_factors TEXT NOT NULL,
    reauthenticate_before INTEGER,
    -- A list of networks, as JSON; null where it may be used from everywhere.
    allowed_networks TEXT,
    -- Who changed what last, as JSON.
    changed TEXT NOT NULL DEFAULT '{}',
    version INTEGER NOT NULL DEFAULT 1
) STRICT;
-- A name is free again once its account was deleted.
CREATE UNIQUE INDEX accounts_username ON accounts (username) WHERE deleted IS NULL;
CREATE INDEX accounts_suspended ON accounts (suspended_until) WHERE suspended_until IS NOT NULL;

CREATE TABLE groups (
    n INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    -- A list, as JSON.
    privileges TEXT NOT NULL,
    created INTEGER NOT NULL,
    deleted INTEGER,
    version INTEGER NOT NULL DEFAULT 1
) STRICT;
CREATE UNIQUE INDEX groups_name ON groups (name) WHERE deleted IS NULL;

CREATE TABLE memberships (
    n INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    "group" TEXT NOT NULL,
    account TEXT NOT NULL,
    since INTEGER NOT NULL,
    added_by TEXT NOT NULL,
    event INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX memberships_both ON memberships ("group", account);
CREATE INDEX memberships_account ON memberships (account);

CREATE TABLE credentials (
    n INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    account TEXT NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    -- A PHC string, the bytes of a device's secret, or the digest of a key.
    secret BLOB NOT NULL,
    created INTEGER NOT NULL,
    enabled INTEGER NOT NULL DEFAULT 1,
    deleted INTEGER,
    last_used INTEGER,
    -- The last step of a device's clock that was used.
    last_step INTEGER,
    changed TEXT NOT NULL DEFAULT '{}',
    version INTEGER NOT NULL DEFAULT 1
) STRICT;
CREATE INDEX credentials_account ON credentials (account) WHERE deleted IS NULL;

CREATE TABLE sessions (
    n INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    account TEXT NOT NULL,
    credential TEXT NOT NULL,
    started INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    address TEXT,
    agent TEXT,
    factors TEXT NOT NULL,
    last_used INTEGER NOT NULL,
    -- When the last access token of it expires.
    access_until INTEGER NOT NULL,
    reauthenticate INTEGER NOT NULL DEFAULT 0,
    ended INTEGER,
    end_reason TEXT,
    ended_by TEXT
) STRICT;
CREATE INDEX sessions_account ON sessions (account, started);
CREATE INDEX sessions_expires ON sessions (expires) WHERE ended IS NULL;

CREATE TABLE tokens (
    n INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    session TEXT NOT NULL,
    account TEXT NOT NULL,
    issued INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    -- The digest of what has to be presented next.
    secret BLOB NOT NULL,
    rotations INTEGER NOT NULL DEFAULT 0,
    last_used INTEGER,
    revoked INTEGER,
    revoke_reason TEXT,
    revoked_by TEXT
) STRICT;
CREATE INDEX tokens_session ON tokens (session);
CREATE INDEX tokens_account ON tokens (account);

-- Digests of what was presented before.
CREATE TABLE spent (digest BLOB PRIMARY KEY, token TEXT NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE principals (
    n INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    scopes TEXT NOT NULL,
    secret BLOB NOT NULL,
    created INTEGER NOT NULL,
    revoked INTEGER
) STRICT;
CREATE UNIQUE INDEX principals_name ON principals (name) WHERE revoked IS NULL;

-- First answers under an idempotency key.
CREATE TABLE answers (
    caller TEXT NOT NULL,
    key TEXT NOT NULL,
    asked BLOB NOT NULL,
    status INTEGER NOT NULL,
    etag TEXT,
    body TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (caller, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX answers_at ON answers (at);

-- The event log: `n` from 1 on, without gaps.
CREATE TABLE events (n INTEGER PRIMARY KEY, at INTEGER NOT NULL, body TEXT NOT NULL) STRICT;
