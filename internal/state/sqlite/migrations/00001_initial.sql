-- Times are RFC 3339 in UTC with nine decimals, so that they sort as text.
-- Bodies are the JSON of Cloudflare's API; {} stands for none.

-- +goose Up
CREATE TABLE runs (
    id       TEXT PRIMARY KEY NOT NULL CHECK (id <> ''),
    target   TEXT NOT NULL,
    trigger  TEXT NOT NULL,
    "commit" TEXT NOT NULL,
    result   TEXT NOT NULL, -- '' until the run ends
    error    TEXT NOT NULL,
    counts   TEXT NOT NULL, -- JSON object of numbers
    started  TEXT NOT NULL,
    finished TEXT           -- NULL until the run ends
) STRICT;

CREATE INDEX runs_by_start ON runs (target, started, id);

CREATE TABLE records (
    target     TEXT NOT NULL,
    key        TEXT NOT NULL CHECK (key <> ''),
    id         TEXT NOT NULL CHECK (id <> ''), -- the account's id for the policy
    sent       TEXT NOT NULL,
    read_back  TEXT,                           -- NULL: the same text as sent
    written    INTEGER NOT NULL,               -- 1: read_back answered a write of ours
    protect    INTEGER NOT NULL,
    "commit"   TEXT NOT NULL,
    file       TEXT NOT NULL,
    line       INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    absent_since TEXT,                         -- NULL: Git declares it
    heals      INTEGER NOT NULL,
    PRIMARY KEY (target, key),
    UNIQUE (target, id)
) STRICT;

-- The journal: requests whose outcome isn't known.
CREATE TABLE intents (
    target TEXT NOT NULL,
    key    TEXT NOT NULL CHECK (key <> ''),
    action TEXT NOT NULL,
    id     TEXT NOT NULL, -- '' for a create
    body   TEXT NOT NULL,
    run    TEXT NOT NULL REFERENCES runs (id),
    at     TEXT NOT NULL,
    answered INTEGER NOT NULL, -- 1: it has no effect later
    PRIMARY KEY (target, key)
) STRICT;

CREATE TABLE changes (
    seq       INTEGER PRIMARY KEY,
    run       TEXT NOT NULL REFERENCES runs (id),
    target    TEXT NOT NULL,
    action    TEXT NOT NULL,
    key       TEXT NOT NULL,
    name      TEXT NOT NULL,
    id        TEXT NOT NULL,
    direction TEXT NOT NULL,
    result    TEXT NOT NULL,
    error     TEXT NOT NULL,
    ray       TEXT NOT NULL,
    before    TEXT, -- NULL: nothing, or not known
    after     TEXT, -- NULL: nothing
    at        TEXT NOT NULL,
    took_ns   INTEGER NOT NULL
) STRICT;

CREATE INDEX changes_by_run ON changes (run, seq);
