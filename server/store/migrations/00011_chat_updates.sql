-- +goose Up
-- Owned by server/chat. Who changed topic or properties last, and when, in
-- milliseconds since 1970, UTC. Empty and 0 of threads that were changed before
-- this was written down.
ALTER TABLE chat_threads ADD COLUMN updated_by TEXT NOT NULL DEFAULT '';
ALTER TABLE chat_threads ADD COLUMN updated_at BIGINT NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE chat_threads DROP COLUMN updated_at;
ALTER TABLE chat_threads DROP COLUMN updated_by;
