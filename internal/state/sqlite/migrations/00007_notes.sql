-- +goose Up
-- What happened to targets besides runs.
CREATE TABLE notes (
    target TEXT NOT NULL CHECK (target <> ''),
    at     TEXT NOT NULL,
    what   TEXT NOT NULL,
    by     TEXT NOT NULL, -- '' when that isn't known
    text   TEXT NOT NULL,
    PRIMARY KEY (target, at, what)
) STRICT;
