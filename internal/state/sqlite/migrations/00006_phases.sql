-- +goose Up
-- How long the parts of a run took: a JSON array; [] when that isn't known.
ALTER TABLE runs ADD COLUMN phases TEXT NOT NULL DEFAULT '[]';
