-- +goose Up
-- Who wrote the commit of a run, as name <email>; '' when that isn't known.
ALTER TABLE runs ADD COLUMN author TEXT NOT NULL DEFAULT '';

-- The last line of the audit file, once there is one.
CREATE TABLE audit_end (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    seq  INTEGER NOT NULL,
    hash TEXT NOT NULL
) STRICT;
