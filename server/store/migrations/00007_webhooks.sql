-- +goose Up
-- Owned by server/webhook. Times are milliseconds since 1970, UTC; 0 is never.
CREATE TABLE webhook_subscriptions (
    id TEXT NOT NULL PRIMARY KEY,
    resource_id TEXT NOT NULL,
    name TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    event_schema TEXT NOT NULL,
    event_types TEXT NOT NULL,
    subject_begins TEXT NOT NULL,
    subject_ends TEXT NOT NULL,
    audience TEXT NOT NULL,
    secret BLOB NOT NULL,
    state TEXT NOT NULL,
    validation_code TEXT NOT NULL,
    validate_until BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE INDEX webhook_subscriptions_name ON webhook_subscriptions (resource_id, name);

-- One row is one event for one receiver. It is gone when it was delivered.
-- node is the last that had it in hand.
CREATE TABLE webhook_deliveries (
    id TEXT NOT NULL PRIMARY KEY,
    resource_id TEXT NOT NULL,
    subscription_id TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    host TEXT NOT NULL,
    event_schema TEXT NOT NULL,
    audience TEXT NOT NULL,
    event TEXT NOT NULL,
    queue TEXT NOT NULL,
    position BIGINT NOT NULL,
    state TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    next_at BIGINT NOT NULL,
    leased_until BIGINT NOT NULL,
    node TEXT NOT NULL,
    reason TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    dead_at BIGINT NOT NULL
);

CREATE INDEX webhook_deliveries_due ON webhook_deliveries (state, next_at);
CREATE INDEX webhook_deliveries_queue ON webhook_deliveries (queue, position);
CREATE INDEX webhook_deliveries_dead ON webhook_deliveries (resource_id, state, dead_at);
CREATE INDEX webhook_deliveries_subscription ON webhook_deliveries (subscription_id);

-- +goose Down
DROP TABLE webhook_deliveries;
DROP TABLE webhook_subscriptions;
