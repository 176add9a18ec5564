-- The table that goose 3.9.0 has made and filled when it applied the shop, as `pg_dump --inserts` tells it.
CREATE TABLE public.goose_db_version (
    id integer NOT NULL,
    version_id bigint NOT NULL,
    is_applied boolean NOT NULL,
    tstamp timestamp without time zone DEFAULT now()
);
CREATE SEQUENCE public.goose_db_version_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.goose_db_version_id_seq OWNED BY public.goose_db_version.id;
ALTER TABLE ONLY public.goose_db_version ALTER COLUMN id SET DEFAULT nextval('public.goose_db_version_id_seq'::regclass);
INSERT INTO public.goose_db_version VALUES (1, 0, true, '2026-11-21 17:22:32.867053');
INSERT INTO public.goose_db_version VALUES (2, 1, true, '2026-11-21 17:22:33.007057');
INSERT INTO public.goose_db_version VALUES (3, 2, true, '2026-11-21 17:22:33.076146');
INSERT INTO public.goose_db_version VALUES (4, 3, true, '2026-11-21 17:22:33.104777');
INSERT INTO public.goose_db_version VALUES (5, 4, true, '2026-11-21 17:22:33.106439');
INSERT INTO public.goose_db_version VALUES (6, 5, true, '2026-11-21 17:22:33.132369');
INSERT INTO public.goose_db_version VALUES (7, 6, true, '2026-11-21 17:22:33.163603');
INSERT INTO public.goose_db_version VALUES (8, 8, true, '2026-11-21 17:22:33.163998');
INSERT INTO public.goose_db_version VALUES (9, 9, true, '2026-11-21 17:22:33.165572');
INSERT INTO public.goose_db_version VALUES (10, 10, true, '2026-11-21 17:22:33.203585');
INSERT INTO public.goose_db_version VALUES (11, 11, true, '2026-11-21 17:22:33.204561');
INSERT INTO public.goose_db_version VALUES (12, 12, true, '2026-11-21 17:22:33.205373');
INSERT INTO public.goose_db_version VALUES (13, 13, true, '2026-11-21 17:22:33.206362');
INSERT INTO public.goose_db_version VALUES (14, 14, true, '2026-11-21 17:22:33.208971');
ALTER TABLE ONLY public.goose_db_version
    ADD CONSTRAINT goose_db_version_pkey PRIMARY KEY (id);
SELECT pg_catalog.setval('public.goose_db_version_id_seq', 14, true);
