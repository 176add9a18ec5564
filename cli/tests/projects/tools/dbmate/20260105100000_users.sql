-- migrate:up
CREATE TABLE users (id bigint PRIMARY KEY, login text NOT NULL);

-- migrate:down
DROP TABLE users;
