-- +goose Up
CREATE TABLE users (id bigint PRIMARY KEY, login text NOT NULL);

-- +goose Down
DROP TABLE users;
