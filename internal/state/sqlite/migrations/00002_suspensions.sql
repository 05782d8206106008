-- +goose Up
-- Targets that an operator has suspended, also those whose time is over.
CREATE TABLE suspensions (
    target TEXT PRIMARY KEY NOT NULL CHECK (target <> ''),
    reason TEXT NOT NULL,
    since  TEXT NOT NULL,
    until  TEXT           -- NULL: until it is resumed
) STRICT;
