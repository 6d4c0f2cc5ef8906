-- +goose Up
-- Owned by server/resource. A name is a host's name: it is one whatever its
-- case, and name_key is it in lower case.
ALTER TABLE resources ADD COLUMN name_key TEXT NOT NULL DEFAULT '';
ALTER TABLE resources ADD COLUMN resource_group TEXT NOT NULL DEFAULT 'parley';
ALTER TABLE resources ADD COLUMN location TEXT NOT NULL DEFAULT 'global';
ALTER TABLE resources ADD COLUMN data_location TEXT NOT NULL DEFAULT 'Local';
ALTER TABLE resources ADD COLUMN cloud TEXT NOT NULL DEFAULT 'public';
ALTER TABLE resources ADD COLUMN state TEXT NOT NULL DEFAULT 'active';
-- Tags are a JSON object of texts.
ALTER TABLE resources ADD COLUMN tags TEXT NOT NULL DEFAULT '{}';
ALTER TABLE resources ADD COLUMN notification_hub TEXT NOT NULL DEFAULT '';
ALTER TABLE resources ADD COLUMN identity_type TEXT NOT NULL DEFAULT '';
ALTER TABLE resources ADD COLUMN network_access TEXT NOT NULL DEFAULT '';
ALTER TABLE resources ADD COLUMN local_auth_off BIGINT NOT NULL DEFAULT 0;
-- The port of the resource's own on localhost; 0 for none.
ALTER TABLE resources ADD COLUMN port BIGINT NOT NULL DEFAULT 0;
-- The value of resource_revision at the last change.
ALTER TABLE resources ADD COLUMN revision BIGINT NOT NULL DEFAULT 1;
ALTER TABLE resources ADD COLUMN created_by TEXT NOT NULL DEFAULT 'parley';
ALTER TABLE resources ADD COLUMN created_by_type TEXT NOT NULL DEFAULT 'Application';
ALTER TABLE resources ADD COLUMN modified_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE resources ADD COLUMN modified_by TEXT NOT NULL DEFAULT 'parley';
ALTER TABLE resources ADD COLUMN modified_by_type TEXT NOT NULL DEFAULT 'Application';

UPDATE resources SET name_key = LOWER(name), modified_at = created_at;

CREATE UNIQUE INDEX resources_by_name ON resources (name_key);

-- One row: how often the resources were changed. Nodes compare it with what
-- they know.
CREATE TABLE resource_revision (
    id BIGINT NOT NULL PRIMARY KEY,
    revision BIGINT NOT NULL
);

INSERT INTO resource_revision (id, revision) VALUES (1, 1);

-- +goose Down
DROP TABLE resource_revision;
DROP INDEX resources_by_name;
ALTER TABLE resources DROP COLUMN modified_by_type;
ALTER TABLE resources DROP COLUMN modified_by;
ALTER TABLE resources DROP COLUMN modified_at;
ALTER TABLE resources DROP COLUMN created_by_type;
ALTER TABLE resources DROP COLUMN created_by;
ALTER TABLE resources DROP COLUMN revision;
ALTER TABLE resources DROP COLUMN port;
ALTER TABLE resources DROP COLUMN local_auth_off;
ALTER TABLE resources DROP COLUMN network_access;
ALTER TABLE resources DROP COLUMN identity_type;
ALTER TABLE resources DROP COLUMN notification_hub;
ALTER TABLE resources DROP COLUMN tags;
ALTER TABLE resources DROP COLUMN state;
ALTER TABLE resources DROP COLUMN cloud;
ALTER TABLE resources DROP COLUMN data_location;
ALTER TABLE resources DROP COLUMN location;
ALTER TABLE resources DROP COLUMN resource_group;
ALTER TABLE resources DROP COLUMN name_key;
