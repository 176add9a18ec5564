SELECT [a;b], "c;d", `e;f`, x'3b', ?1, :a, @b, $c FROM t WHERE j ->> '$.a;' == 1;
SELECT 1 /* not /* nested ; */; SELECT 2;
SELECT 3 /* open to the end ;
