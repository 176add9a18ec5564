CREATE TABLE plain (id bigint);
