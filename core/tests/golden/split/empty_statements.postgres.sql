;;
-- nothing but a comment
;
SELECT 1;; -- behind the first
-- @allow: a (b)
-- and more

SELECT 2 /* at its end */ ; ;
-- the last
SELECT 3 -- goes on
