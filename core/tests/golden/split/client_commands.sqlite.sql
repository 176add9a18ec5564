.mode csv
.import rows.csv t
SELECT 1
.5;
  .read other.sql
SELECT 2;
