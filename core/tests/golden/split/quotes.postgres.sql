-- Semicolons and quotes inside of other quotes.
SELECT 'a;b', 'it''s; fine', E'a\';b', U&'d!003b' UESCAPE '!', "x;""y", $$;$$, $f$ ; $$ ; $f$;
-- a ; comment /* with an opening
/* a ; /* nested ; */ comment */ SELECT a$b$c, $1; SELECT '--', '/*';
SELECT E'one'
  'two\';three';
