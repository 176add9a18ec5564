CREATE INDEX CONCURRENTLY users_login ON users (login);
