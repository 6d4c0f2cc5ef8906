-- +goose Up
-- Owned by server/chat. Times are milliseconds since 1970, UTC.

-- state is 1 while an image is on its way in, 2 when it is there, 3 when it is
-- to be removed with its parts. type and small_type are media types; small_size
-- 0 says that the small view is the original.
CREATE TABLE chat_images (
    id TEXT NOT NULL PRIMARY KEY,
    thread_id TEXT NOT NULL,
    owner_id TEXT NOT NULL,
    state BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    name TEXT NOT NULL,
    type TEXT NOT NULL,
    size BIGINT NOT NULL,
    small_type TEXT NOT NULL,
    small_size BIGINT NOT NULL
);

CREATE INDEX chat_images_thread ON chat_images (thread_id);
CREATE INDEX chat_images_owner ON chat_images (owner_id);
CREATE INDEX chat_images_state ON chat_images (state, created_at);

-- Images are kept in parts, so that no transaction and no reader holds a whole
-- one. view is 1 for the original, 2 for the small one.
CREATE TABLE chat_image_parts (
    image_id TEXT NOT NULL,
    view BIGINT NOT NULL,
    part BIGINT NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (image_id, view, part)
);

-- +goose Down
DROP TABLE chat_image_parts;
DROP TABLE chat_images;
