-- +goose Up
-- Only BIGINT, TEXT and BLOB: PostgreSQL takes the same file once a domain
-- named blob over bytea exists. Times are milliseconds since 1970, UTC.

-- Owned by server/resource.
CREATE TABLE resources (
    id BLOB NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    subscription_id TEXT NOT NULL,
    primary_key BLOB NOT NULL,
    secondary_key BLOB NOT NULL,
    created_at BIGINT NOT NULL
);

-- Owned by server/identity.
CREATE TABLE signing_keys (
    kid TEXT NOT NULL PRIMARY KEY,
    algorithm TEXT NOT NULL,
    private_key BLOB NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE users (
    resource_id BLOB NOT NULL,
    id BLOB NOT NULL,
    custom_id TEXT,
    tokens_valid_from BIGINT NOT NULL,
    last_token_issued_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (resource_id, id)
);

CREATE UNIQUE INDEX users_custom_id ON users (resource_id, custom_id);

-- Owned by server/store: random secrets made once.
CREATE TABLE secrets (
    name TEXT NOT NULL PRIMARY KEY,
    value BLOB NOT NULL
);

-- Owned by server/calls.
CREATE TABLE calls (
    id BLOB NOT NULL PRIMARY KEY,
    resource_id BLOB NOT NULL,
    node TEXT NOT NULL,
    snapshot BLOB NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    ended_at BIGINT NOT NULL,
    end_code BIGINT NOT NULL,
    end_subcode BIGINT NOT NULL
);

CREATE INDEX calls_ended_at ON calls (ended_at);

-- +goose Down
DROP TABLE calls;
DROP TABLE secrets;
DROP TABLE users;
DROP TABLE signing_keys;
DROP TABLE resources;
