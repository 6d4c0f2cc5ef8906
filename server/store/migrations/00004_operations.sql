-- +goose Up
-- Owned by server/operations. Times are milliseconds since 1970, UTC; 0 is never.
-- node is the last that had it in hand.
CREATE TABLE operations (
    id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    target TEXT NOT NULL,
    input TEXT NOT NULL,
    state TEXT NOT NULL,
    result TEXT NOT NULL,
    error_code TEXT NOT NULL,
    error_message TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    leased_until BIGINT NOT NULL,
    node TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);

CREATE INDEX operations_state ON operations (state, created_at);
CREATE INDEX operations_expires_at ON operations (expires_at);

-- +goose Down
DROP TABLE operations;
