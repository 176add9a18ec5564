-- The table that goose 3.9.0 has made and filled when it applied the shop, as `.dump of SQLite` tells it.
CREATE TABLE goose_db_version (
                id INTEGER PRIMARY KEY AUTOINCREMENT,
                version_id INTEGER NOT NULL,
                is_applied INTEGER NOT NULL,
                tstamp TIMESTAMP DEFAULT (datetime('now'))
            );
INSERT INTO "goose_db_version" VALUES(1,0,1,'2026-11-21 17:22:39');
INSERT INTO "goose_db_version" VALUES(2,1,1,'2026-11-21 17:22:39');
INSERT INTO "goose_db_version" VALUES(3,2,1,'2026-11-21 17:22:39');
INSERT INTO "goose_db_version" VALUES(4,3,1,'2026-11-21 17:22:39');
INSERT INTO "goose_db_version" VALUES(5,4,1,'2026-11-21 17:22:39');
INSERT INTO "goose_db_version" VALUES(6,5,1,'2026-11-21 17:22:39');
INSERT INTO "goose_db_version" VALUES(7,6,1,'2026-11-21 17:22:39');
INSERT INTO "goose_db_version" VALUES(8,8,1,'2026-11-21 17:22:39');
INSERT INTO "goose_db_version" VALUES(9,9,1,'2026-11-21 17:22:39');
INSERT INTO "goose_db_version" VALUES(10,10,1,'2026-11-21 17:22:39');
INSERT INTO "goose_db_version" VALUES(11,11,1,'2026-11-21 17:22:39');
INSERT INTO "goose_db_version" VALUES(12,12,1,'2026-11-21 17:22:39');
INSERT INTO "goose_db_version" VALUES(13,13,1,'2026-11-21 17:22:39');
INSERT INTO "goose_db_version" VALUES(14,14,1,'2026-11-21 17:22:39');
INSERT INTO "sqlite_sequence" VALUES('goose_db_version',14);
