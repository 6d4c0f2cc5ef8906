-- +goose Up
-- Owned by server/identity. Times are milliseconds since 1970, UTC; 0 is never.

-- A key is published from created_at on, signs from activates_at on until a
-- newer one does, and is known until retires_at.
ALTER TABLE signing_keys ADD COLUMN activates_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE signing_keys ADD COLUMN retires_at BIGINT NOT NULL DEFAULT 0;

-- Users who stand for somebody of another issuer.
CREATE TABLE foreign_users (
    resource_id BLOB NOT NULL,
    tenant TEXT NOT NULL,
    object TEXT NOT NULL,
    user_id BLOB NOT NULL,
    PRIMARY KEY (resource_id, tenant, object)
);

CREATE INDEX foreign_users_user ON foreign_users (resource_id, user_id);

-- Who of another tenant may use a resource through the Teams Phone extension.
CREATE TABLE teams_assignments (
    resource_id BLOB NOT NULL,
    tenant TEXT NOT NULL,
    object TEXT NOT NULL,
    principal_type TEXT NOT NULL,
    client_ids TEXT NOT NULL,
    PRIMARY KEY (resource_id, tenant, object)
);

-- +goose Down
DROP TABLE teams_assignments;
DROP TABLE foreign_users;
ALTER TABLE signing_keys DROP COLUMN retires_at;
ALTER TABLE signing_keys DROP COLUMN activates_at;
