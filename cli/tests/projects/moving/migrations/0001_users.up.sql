-- Who may sign in.
CREATE TABLE users (
  id INTEGER PRIMARY KEY,
  login VARCHAR(40) NOT NULL
);
