-- +goose Up
-- Who suspended the target; '' when that isn't known.
ALTER TABLE suspensions ADD COLUMN by TEXT NOT NULL DEFAULT '';
