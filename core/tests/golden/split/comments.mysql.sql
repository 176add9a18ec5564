SELECT 1; # a; comment
SELECT 5--1; -- a; comment
--
SELECT 'a\';b', "c\";d", `e``;f`, _utf8mb4'g;', N'h;' /* ; */;
/*!40101 SET NAMES utf8mb4 */;
/*!50003 CREATE TABLE t (a INT); */ SELECT 2;
SELECT 6 --no comment
;
