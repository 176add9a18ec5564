-- c
SELECT 1
  , 2;

-- d
SELECT 'a
b';
