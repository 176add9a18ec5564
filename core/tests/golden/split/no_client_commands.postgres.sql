SELECT a::text, a[1:2], a[:n], a[1:n], a['1':'2'], '\d', E'\\d', $$\d$$, f(x := 1), f(x => 2);
SELECT json_object('k':v, 'l':'w', KEY_COLUMN:value), 'a' ~ '\d', x ? 'y', x ?| y;
COPY t FROM '/tmp/x';
COPY (SELECT 1 FROM stdin) TO '/tmp/x';
SELECT 1 /* \connect */; -- \connect
