-- +goose Down
DROP TABLE orders;

-- +goose Up
CREATE TABLE orders (id bigint PRIMARY KEY);

-- +goose Up
CREATE TABLE items (id bigint PRIMARY KEY);
