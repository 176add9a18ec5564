-- The table that dbmate 2.36.0 has made and filled when it applied the shop, as `pg_dump --inserts` tells it.
CREATE TABLE public.schema_migrations (
    version character varying NOT NULL
);
INSERT INTO public.schema_migrations VALUES ('20260101100000');
INSERT INTO public.schema_migrations VALUES ('20260102100000');
INSERT INTO public.schema_migrations VALUES ('20260103100000');
INSERT INTO public.schema_migrations VALUES ('20260104100000');
INSERT INTO public.schema_migrations VALUES ('20260105100000');
INSERT INTO public.schema_migrations VALUES ('20260106100000');
INSERT INTO public.schema_migrations VALUES ('20260108100000');
INSERT INTO public.schema_migrations VALUES ('20260109100000');
INSERT INTO public.schema_migrations VALUES ('20260110100000');
INSERT INTO public.schema_migrations VALUES ('20260111100000');
INSERT INTO public.schema_migrations VALUES ('20260112100000');
INSERT INTO public.schema_migrations VALUES ('20260113100000');
INSERT INTO public.schema_migrations VALUES ('20260114100000');
ALTER TABLE ONLY public.schema_migrations
    ADD CONSTRAINT schema_migrations_pkey PRIMARY KEY (version);
