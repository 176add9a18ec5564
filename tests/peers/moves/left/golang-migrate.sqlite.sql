-- The table that golang-migrate 4.15.2 has made and filled when it applied the shop, as `.dump of SQLite` tells it.
CREATE TABLE schema_migrations (version uint64,dirty bool);
INSERT INTO "schema_migrations" VALUES(14,0);
CREATE UNIQUE INDEX version_unique ON schema_migrations (version);
