-- The table that dbmate 2.36.0 has made and filled when it applied the shop, as `mariadb-dump --skip-extended-insert` tells it.
CREATE TABLE `schema_migrations` (
  `version` varchar(128) NOT NULL,
  PRIMARY KEY (`version`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
INSERT INTO `schema_migrations` VALUES ('20260101100000');
INSERT INTO `schema_migrations` VALUES ('20260102100000');
INSERT INTO `schema_migrations` VALUES ('20260103100000');
INSERT INTO `schema_migrations` VALUES ('20260104100000');
INSERT INTO `schema_migrations` VALUES ('20260105100000');
INSERT INTO `schema_migrations` VALUES ('20260106100000');
INSERT INTO `schema_migrations` VALUES ('20260108100000');
INSERT INTO `schema_migrations` VALUES ('20260109100000');
INSERT INTO `schema_migrations` VALUES ('20260110100000');
INSERT INTO `schema_migrations` VALUES ('20260111100000');
INSERT INTO `schema_migrations` VALUES ('20260112100000');
INSERT INTO `schema_migrations` VALUES ('20260113100000');
INSERT INTO `schema_migrations` VALUES ('20260114100000');
