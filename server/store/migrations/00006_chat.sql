-- +goose Up
-- Owned by server/chat. Times are milliseconds since 1970, UTC; 0 is never.

-- sequence numbers the messages of a thread, change everything that happens in
-- it, updated_change is when topic or properties changed last; last_id is the newest message id: a time that never repeats; members
-- counts the changes of who takes part.
CREATE TABLE chat_threads (
    id TEXT NOT NULL PRIMARY KEY,
    resource_id BLOB NOT NULL,
    topic TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    deleted_at BIGINT NOT NULL,
    retention_days BIGINT NOT NULL,
    metadata TEXT NOT NULL,
    sequence BIGINT NOT NULL,
    last_id BIGINT NOT NULL,
    change BIGINT NOT NULL,
    updated_change BIGINT NOT NULL,
    members BIGINT NOT NULL,
    last_message_at BIGINT NOT NULL,
    request_id TEXT
);

CREATE UNIQUE INDEX chat_threads_request ON chat_threads (created_by, request_id);
CREATE INDEX chat_threads_retention ON chat_threads (retention_days, created_at);

CREATE TABLE chat_participants (
    thread_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    display_name TEXT NOT NULL,
    share_history_from BIGINT NOT NULL,
    metadata TEXT NOT NULL,
    added_change BIGINT NOT NULL,
    PRIMARY KEY (thread_id, user_id)
);

CREATE INDEX chat_participants_user ON chat_participants (user_id);

-- details holds what system messages say, as JSON.
CREATE TABLE chat_messages (
    thread_id TEXT NOT NULL,
    id BIGINT NOT NULL,
    sequence BIGINT NOT NULL,
    kind TEXT NOT NULL,
    sender TEXT NOT NULL,
    sender_name TEXT NOT NULL,
    content TEXT NOT NULL,
    metadata TEXT NOT NULL,
    attachments TEXT NOT NULL,
    details TEXT NOT NULL,
    edited_at BIGINT NOT NULL,
    deleted_at BIGINT NOT NULL,
    version BIGINT NOT NULL,
    first_change BIGINT NOT NULL,
    change BIGINT NOT NULL,
    client_id TEXT,
    PRIMARY KEY (thread_id, id)
);

CREATE INDEX chat_messages_change ON chat_messages (thread_id, change);
CREATE UNIQUE INDEX chat_messages_client ON chat_messages (thread_id, sender, client_id) WHERE client_id IS NOT NULL;

CREATE TABLE chat_receipts (
    thread_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    message_id BIGINT NOT NULL,
    read_at BIGINT NOT NULL,
    change BIGINT NOT NULL,
    PRIMARY KEY (thread_id, user_id)
);

-- +goose Down
DROP TABLE chat_receipts;
DROP TABLE chat_messages;
DROP TABLE chat_participants;
DROP TABLE chat_threads;
