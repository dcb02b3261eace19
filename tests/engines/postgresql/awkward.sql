-- Everything of PostgreSQL's own that a definition can hold and a backup covers, made awkward on purpose.
CREATE SCHEMA "Other Schema";
CREATE EXTENSION hstore;
CREATE EXTENSION citext SCHEMA "Other Schema";
CREATE EXTENSION btree_gist;
CREATE EXTENSION pg_trgm;
CREATE COLLATION german (PROVIDER = libc, LC_COLLATE = 'C', LC_CTYPE = 'C');

CREATE TYPE mood AS ENUM ('sad', 'it''s ok', 'happy');
ALTER TYPE mood ADD VALUE 'between' BEFORE 'happy';
CREATE TYPE "Other Schema"."Point 3" AS (x integer, "Y" numeric(10, 2), label text COLLATE german);
CREATE TYPE floatrange AS RANGE (SUBTYPE = float8, SUBTYPE_DIFF = float8mi);
CREATE TYPE textrange AS RANGE (SUBTYPE = text, COLLATION = "C", MULTIRANGE_TYPE_NAME = "many texts");
CREATE DOMAIN short AS varchar(10) COLLATE "C" DEFAULT 'x' NOT NULL CONSTRAINT short_not_empty CHECK (VALUE <> '');
CREATE DOMAIN shorter AS short CHECK (length(VALUE) < 6) CHECK (VALUE IN ('x', 'y', 'abc'));
CREATE DOMAIN at AS timestamptz;
CREATE DOMAIN amounts AS numeric[];
COMMENT ON TYPE mood IS 'How it is; ''quoted''';
COMMENT ON DOMAIN short IS 'A short one';
COMMENT ON CONSTRAINT short_not_empty ON DOMAIN short IS 'Never empty';
COMMENT ON COLUMN "Other Schema"."Point 3"."Y" IS 'a column of a type';

CREATE FUNCTION is_known(unit text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS
    $f$ BEGIN RETURN unit IN (SELECT name FROM unit_names); END $f$;
CREATE FUNCTION twice(n integer, OUT result integer) LANGUAGE sql IMMUTABLE AS 'SELECT n * 2';
CREATE FUNCTION twice(n text) RETURNS text LANGUAGE sql IMMUTABLE RETURN n || n;
CREATE PROCEDURE nothing(INOUT a integer DEFAULT 3) LANGUAGE plpgsql AS $$ BEGIN a := a; END $$;
CREATE AGGREGATE product(numeric) (SFUNC = numeric_mul, STYPE = numeric, INITCOND = '1', PARALLEL = SAFE);
COMMENT ON FUNCTION twice(integer) IS 'doubles';
COMMENT ON AGGREGATE product(numeric) IS 'multiplies';

CREATE SEQUENCE lonely AS smallint START 7 INCREMENT -2 MINVALUE -100 MAXVALUE 100 CACHE 3 CYCLE;
SELECT nextval('lonely'), nextval('lonely');
CREATE SEQUENCE "set but not called";
SELECT setval('"set but not called"', 77, false);

CREATE TABLE unit_names (name text PRIMARY KEY);
INSERT INTO unit_names VALUES ('kg'), ('lb');

CREATE TABLE "select" (
    id bigint GENERATED ALWAYS AS IDENTITY (START WITH 10 INCREMENT BY 5) PRIMARY KEY,
    serial serial,
    "Größe ""quoted""" varchar(20) COLLATE "C" DEFAULT 'it''s \ "x"',
    unit varchar(10) CHECK (unit IN ('kg', 'lb', 'it''s')),
    checked text CHECK (is_known(checked)),
    price numeric(10, 2) NOT NULL DEFAULT 1.50,
    total numeric GENERATED ALWAYS AS (price * 2) STORED,
    at timestamptz DEFAULT now(),
    feeling mood DEFAULT 'it''s ok',
    place "Other Schema"."Point 3",
    tags text[] DEFAULT '{}',
    name "Other Schema".citext UNIQUE,
    pairs hstore,
    during tstzrange,
    small short,
    dropped integer,
    body text,
    CONSTRAINT low_or_high CHECK (price < 1000 OR (price > 2000 AND unit = 'kg')),
    CONSTRAINT no_overlap EXCLUDE USING gist (unit WITH =, during WITH &&) WHERE (price > 0),
    CONSTRAINT one_price UNIQUE (price, unit) INCLUDE (body) DEFERRABLE INITIALLY DEFERRED
) WITH (fillfactor = 70, autovacuum_enabled = false, toast.autovacuum_enabled = false);
ALTER TABLE "select" DROP COLUMN dropped;
ALTER TABLE "select" ALTER body SET STORAGE EXTERNAL;
ALTER TABLE "select" ALTER unit SET STATISTICS 500, ALTER unit SET (n_distinct = 3);
ALTER TABLE "select" ADD CONSTRAINT not_yet CHECK (price <> 13) NOT VALID;
ALTER SEQUENCE select_serial_seq INCREMENT 10 CACHE 5;
INSERT INTO "select" (unit, price, checked, place, tags, name, pairs, during, body)
VALUES ('kg', 1, 'kg', '(1,2.5,"a, b")', '{"a,b",NULL,"\""}', 'Name', 'a=>1, b=>NULL', '[2020-01-01,2020-02-01)', 'x'),
    ('lb', 2, 'lb', NULL, '{}', 'other', '', 'empty', NULL), (NULL, 3, NULL, NULL, NULL, NULL, NULL, NULL, '');
CREATE INDEX select_lower ON "select" (lower(unit) text_pattern_ops DESC NULLS LAST, price) WHERE unit IN ('kg', 'lb');
CREATE INDEX "Select tags" ON "select" USING gin (tags) WITH (fastupdate = off);
CREATE UNIQUE INDEX select_expression ON "select" ((price + 1), coalesce(unit, 'none'::character varying));
ALTER INDEX select_expression ALTER COLUMN 1 SET STATISTICS 400;
CREATE INDEX select_trgm ON "select" USING gist (body gist_trgm_ops (siglen = 32));
CREATE STATISTICS select_stats (dependencies, mcv) ON unit, price FROM "select";
ALTER STATISTICS select_stats SET STATISTICS 300;
ALTER TABLE "select" CLUSTER ON one_price;
COMMENT ON TABLE "select" IS 'A table with a reserved name; and a semicolon';
COMMENT ON COLUMN "select"."Größe ""quoted""" IS E'line\nfeed';
COMMENT ON CONSTRAINT low_or_high ON "select" IS 'of a constraint';
COMMENT ON INDEX "Select tags" IS 'of an index';
COMMENT ON STATISTICS select_stats IS 'of statistics';

CREATE TABLE keyless (a integer, b text, c json, d xml);
ALTER TABLE keyless REPLICA IDENTITY FULL;
CREATE TABLE nothing_at_all ();
INSERT INTO nothing_at_all DEFAULT VALUES;
INSERT INTO nothing_at_all DEFAULT VALUES;
CREATE TABLE only_computed (a integer GENERATED ALWAYS AS (7) STORED);
INSERT INTO only_computed DEFAULT VALUES;
CREATE UNLOGGED TABLE unlogged (id serial PRIMARY KEY, note text NOT NULL UNIQUE);
ALTER TABLE unlogged REPLICA IDENTITY USING INDEX unlogged_note_key;
CREATE TABLE typed OF "Other Schema"."Point 3" (PRIMARY KEY (x));

-- A default that calls a function that takes the table's row type.
CREATE TABLE looped (id integer PRIMARY KEY, n integer);
CREATE FUNCTION count_of(looped) RETURNS integer LANGUAGE sql STABLE AS 'SELECT $1.n';
CREATE FUNCTION next_n(seed looped DEFAULT NULL) RETURNS integer LANGUAGE sql AS 'SELECT 5';
ALTER TABLE looped ALTER n SET DEFAULT next_n();
INSERT INTO looped VALUES (1);

CREATE TABLE parent (id integer PRIMARY KEY, a text NOT NULL DEFAULT 'p', b integer CONSTRAINT b_positive CHECK (b > 0));
CREATE TABLE child (own integer, a text DEFAULT 'c', PRIMARY KEY (id)) INHERITS (parent);
ALTER TABLE child ALTER b SET NOT NULL;
CREATE TABLE grandchild () INHERITS (child);
INSERT INTO parent VALUES (1, 'x', 1);
INSERT INTO child VALUES (1, 'y', 2, 3);
INSERT INTO grandchild VALUES (1, 'z', 2, 3);

CREATE TABLE measures (id bigint GENERATED BY DEFAULT AS IDENTITY, day date NOT NULL, kind text, value numeric CONSTRAINT value_positive CHECK (value > 0),
    PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
CREATE TABLE measures_old (id bigint NOT NULL, gone int, day date NOT NULL, kind text, value numeric CONSTRAINT value_positive CHECK (value > 0));
ALTER TABLE measures_old DROP COLUMN gone;
CREATE TABLE measures_new PARTITION OF measures FOR VALUES FROM ('2020-01-01') TO (MAXVALUE) PARTITION BY LIST (day);
CREATE TABLE "measures new a" PARTITION OF measures_new FOR VALUES IN ('2021-05-05', '2022-01-01');
CREATE TABLE measures_rest PARTITION OF measures_new DEFAULT;
ALTER TABLE measures ATTACH PARTITION measures_old FOR VALUES FROM (MINVALUE) TO ('2020-01-01');
CREATE INDEX measures_kind ON measures (kind, lower(kind));
CREATE TABLE of_measures (id bigint, day date, note text, FOREIGN KEY (id, day) REFERENCES measures MATCH FULL ON DELETE CASCADE);
CREATE TABLE spread (id integer, looped integer REFERENCES looped ON UPDATE SET NULL) PARTITION BY HASH (id);
CREATE TABLE spread_0 PARTITION OF spread FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE spread_1 PARTITION OF spread FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO measures (day, kind, value) VALUES ('2019-05-05', 'a', 1), ('2021-05-05', 'a', 2), ('2021-05-06', NULL, 3);
INSERT INTO of_measures VALUES (1, '2019-05-05', 'x'), (NULL, NULL, 'y');
INSERT INTO spread SELECT i, 1 FROM generate_series(1, 10) i;

CREATE TABLE egg (id integer PRIMARY KEY, chicken integer NOT NULL);
CREATE TABLE chicken (id integer PRIMARY KEY, egg integer NOT NULL REFERENCES egg DEFERRABLE INITIALLY DEFERRED);
ALTER TABLE egg ADD FOREIGN KEY (chicken) REFERENCES chicken DEFERRABLE;
BEGIN;
SET CONSTRAINTS ALL DEFERRED;
INSERT INTO egg VALUES (1, 1);
INSERT INTO chicken VALUES (1, 1);
COMMIT;
ALTER TABLE looped ADD CONSTRAINT n_known FOREIGN KEY (n) REFERENCES egg NOT VALID;

CREATE VIEW cheap AS SELECT s.id, s.price AS "The Price", u.name FROM "select" s LEFT JOIN unit_names u ON u.name = s.unit
    WHERE s.unit IN ('kg', 'lb') AND s.price < 100;
CREATE VIEW cheaper WITH (security_barrier = true) AS SELECT id, "The Price" FROM cheap WHERE "The Price" < 10;
CREATE VIEW editable AS SELECT id, n FROM looped WHERE n > 0 WITH LOCAL CHECK OPTION;
ALTER VIEW editable ALTER n SET DEFAULT 9;
CREATE RECURSIVE VIEW counting (n) AS SELECT 1 UNION ALL SELECT n + 1 FROM counting WHERE n < 5;
CREATE MATERIALIZED VIEW totals AS SELECT kind, sum(value) AS total FROM measures GROUP BY kind;
CREATE MATERIALIZED VIEW "Other Schema"."of totals" AS SELECT count(*) AS n FROM totals;
CREATE MATERIALIZED VIEW never_filled AS SELECT * FROM totals WITH NO DATA;
CREATE UNIQUE INDEX totals_kind ON totals (kind);
COMMENT ON VIEW cheap IS 'of a view';
COMMENT ON COLUMN cheap."The Price" IS 'of a column of a view';
COMMENT ON MATERIALIZED VIEW totals IS 'of a materialized view';
-- A view grouped by a primary key needs the key.
CREATE VIEW by_key AS SELECT l.id, l.n, count(*) AS many FROM looped l GROUP BY l.id;
-- A function whose body the server keeps parsed needs the view.
CREATE FUNCTION how_many() RETURNS bigint LANGUAGE sql STABLE BEGIN ATOMIC SELECT sum(many) FROM by_key; END;

CREATE FUNCTION bump() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.n := NEW.n + 1; RETURN NEW; END $$;
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$;
CREATE TRIGGER bumped BEFORE UPDATE OF n ON looped FOR EACH ROW WHEN (OLD.n IS DISTINCT FROM NEW.n) EXECUTE FUNCTION bump();
CREATE TRIGGER refused BEFORE INSERT ON egg FOR EACH ROW EXECUTE FUNCTION refuse();
ALTER TABLE egg DISABLE TRIGGER refused;
CREATE CONSTRAINT TRIGGER late AFTER INSERT ON chicken DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse();
CREATE TRIGGER of_measures AFTER INSERT ON measures FOR EACH ROW EXECUTE FUNCTION refuse();
ALTER TABLE measures_old DISABLE TRIGGER of_measures;
CREATE TRIGGER of_statement AFTER INSERT ON looped REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION refuse();
ALTER TABLE looped ENABLE ALWAYS TRIGGER of_statement;
COMMENT ON TRIGGER bumped ON looped IS 'of a trigger';
CREATE RULE no_delete AS ON DELETE TO looped DO INSTEAD NOTHING;
CREATE RULE noted AS ON UPDATE TO "select" WHERE NEW.price > 5 DO ALSO INSERT INTO keyless VALUES (1, NEW.unit);
ALTER TABLE "select" DISABLE RULE noted;
COMMENT ON RULE no_delete ON looped IS 'of a rule';
ALTER TABLE "select" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "select" FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON "select" AS RESTRICTIVE FOR UPDATE TO CURRENT_USER, PUBLIC USING (unit IN ('kg', 'lb')) WITH CHECK (price > 0);
CREATE POLICY all_rows ON "select";
COMMENT ON POLICY own_rows ON "select" IS 'of a policy';
COMMENT ON SCHEMA "Other Schema" IS 'of a schema';
COMMENT ON SCHEMA public IS 'not the usual comment';
COMMENT ON SEQUENCE lonely IS 'of a sequence';
