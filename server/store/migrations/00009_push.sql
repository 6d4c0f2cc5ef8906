-- +goose Up
-- Owned by server/push. Times are milliseconds since 1970, UTC; 0 is never.

-- A phone whose app wants to be woken. token is the one of the platform for
-- alerts, voip_token that of APNs for calls.
CREATE TABLE push_devices (
    resource_id BLOB NOT NULL,
    user_id TEXT NOT NULL,
    device_id TEXT NOT NULL,
    platform TEXT NOT NULL,
    sandbox BIGINT NOT NULL,
    token TEXT NOT NULL,
    voip_token TEXT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, device_id)
);

CREATE INDEX push_devices_token ON push_devices (platform, token);
CREATE INDEX push_devices_voip ON push_devices (platform, voip_token);
CREATE INDEX push_devices_resource ON push_devices (resource_id);

-- One row is one message to tell of: to all who should hear of it while user_id
-- is empty, then to one device each.
CREATE TABLE push_jobs (
    id TEXT NOT NULL PRIMARY KEY,
    resource_id BLOB NOT NULL,
    thread_id TEXT NOT NULL,
    message_id BIGINT NOT NULL,
    user_id TEXT NOT NULL,
    device_id TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    next_at BIGINT NOT NULL,
    leased_until BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);

CREATE INDEX push_jobs_due ON push_jobs (next_at);

-- +goose Down
DROP TABLE push_jobs;
DROP TABLE push_devices;
