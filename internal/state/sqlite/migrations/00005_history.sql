-- +goose Up
-- One policy's history must not need all changes to be read.
CREATE INDEX changes_by_policy ON changes (target, key, seq);
