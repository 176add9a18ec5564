-- The table that golang-migrate 4.15.2 has made and filled when it applied the shop, as `mariadb-dump --skip-extended-insert` tells it.
CREATE TABLE `schema_migrations` (
  `version` bigint(20) NOT NULL,
  `dirty` tinyint(1) NOT NULL,
  PRIMARY KEY (`version`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
INSERT INTO `schema_migrations` VALUES (14,0);
