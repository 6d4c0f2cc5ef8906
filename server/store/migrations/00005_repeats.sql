-- +goose Up
-- Owned by server/repeat: requests that may come twice, and their answers.
-- lease_until is 0 once the answer is there.
CREATE TABLE repeats (
    resource_id BLOB NOT NULL,
    scope TEXT NOT NULL,
    request_id TEXT NOT NULL,
    fingerprint BLOB NOT NULL,
    owner BLOB NOT NULL,
    lease_until BIGINT NOT NULL,
    status BIGINT NOT NULL,
    headers TEXT NOT NULL,
    body BLOB NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (resource_id, scope, request_id)
);

CREATE INDEX repeats_expires_at ON repeats (expires_at);

-- +goose Down
DROP TABLE repeats;
