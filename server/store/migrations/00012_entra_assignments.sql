-- +goose Up
-- Owned by server/identity. Which users of Entra may exchange their tokens.
CREATE TABLE entra_assignments (
    resource_id BLOB NOT NULL,
    object TEXT NOT NULL,
    tenant TEXT NOT NULL,
    principal_type TEXT NOT NULL,
    client_ids TEXT NOT NULL,
    PRIMARY KEY (resource_id, object)
);

-- The resources that had an assignment once: without one nobody is let in there
-- any more.
CREATE TABLE entra_resources (
    resource_id BLOB NOT NULL PRIMARY KEY
);

-- +goose Down
DROP TABLE entra_resources;
DROP TABLE entra_assignments;
