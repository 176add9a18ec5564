-- The table that goose 3.9.0 has made and filled when it applied the shop, as `mariadb-dump --skip-extended-insert` tells it.
CREATE TABLE `goose_db_version` (
  `id` bigint(20) unsigned NOT NULL AUTO_INCREMENT,
  `version_id` bigint(20) NOT NULL,
  `is_applied` tinyint(1) NOT NULL,
  `tstamp` timestamp NULL DEFAULT current_timestamp(),
  PRIMARY KEY (`id`),
  UNIQUE KEY `id` (`id`)
) ENGINE=InnoDB AUTO_INCREMENT=15 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
INSERT INTO `goose_db_version` VALUES (1,0,1,'2026-11-21 17:22:36');
INSERT INTO `goose_db_version` VALUES (2,1,1,'2026-11-21 17:22:37');
INSERT INTO `goose_db_version` VALUES (3,2,1,'2026-11-21 17:22:37');
INSERT INTO `goose_db_version` VALUES (4,3,1,'2026-11-21 17:22:37');
INSERT INTO `goose_db_version` VALUES (5,4,1,'2026-11-21 17:22:37');
INSERT INTO `goose_db_version` VALUES (6,5,1,'2026-11-21 17:22:37');
INSERT INTO `goose_db_version` VALUES (7,6,1,'2026-11-21 17:22:37');
INSERT INTO `goose_db_version` VALUES (8,8,1,'2026-11-21 17:22:37');
INSERT INTO `goose_db_version` VALUES (9,9,1,'2026-11-21 17:22:37');
INSERT INTO `goose_db_version` VALUES (10,10,1,'2026-11-21 17:22:37');
INSERT INTO `goose_db_version` VALUES (11,11,1,'2026-11-21 17:22:37');
INSERT INTO `goose_db_version` VALUES (12,12,1,'2026-11-21 17:22:37');
INSERT INTO `goose_db_version` VALUES (13,13,1,'2026-11-21 17:22:37');
INSERT INTO `goose_db_version` VALUES (14,14,1,'2026-11-21 17:22:37');
