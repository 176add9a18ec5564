-- @name: Größe
-- @description: Maße in jeder Schrift: 寸法, размер, 🧵.
-- @timestamp: 2026-01-05T10:00:00Z
-- @rollbackSafe: true

-- UP MIGRATION
CREATE TABLE "größe" (id INTEGER PRIMARY KEY, "寸法" TEXT NOT NULL DEFAULT 'Größe 寸法 🧵');

-- DOWN MIGRATION
DROP TABLE "größe";
