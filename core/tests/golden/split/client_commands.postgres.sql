\connect shop
\set owner 'x'
CREATE TABLE t (a int);
SELECT 'DROP TABLE t' \gexec
ALTER TABLE t OWNER TO :owner;
INSERT INTO t VALUES (:'a', :b), (1, :"c");
COPY t (a) FROM stdin;
1	it's $$ no
\N	;
\.
COPY t TO STDOUT;
CREATE TABLE u (a int);
\i other.sql
