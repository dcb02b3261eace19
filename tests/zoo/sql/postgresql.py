"""Raw tables, views and triggers of the zoo, for PostgreSQL; what only PostgreSQL has is in ``tests.zoo_pg``."""

TABLES = (
    (
        """CREATE TABLE zoo_unknown (
            id serial PRIMARY KEY,
            label text NOT NULL DEFAULT 'it''s',
            made timestamptz DEFAULT CURRENT_TIMESTAMP,
            amount numeric,
            plain timestamp,
            CHECK (label <> '100%')
        )""",
        "DROP TABLE zoo_unknown",
    ),
    (
        "CREATE INDEX zoo_unknown_label ON zoo_unknown (lower(label), amount DESC) WHERE amount > 0",
        "SELECT 1",
    ),
    ("CREATE TABLE zoo_keyless (a integer, b text, c double precision)", "DROP TABLE zoo_keyless"),
    ("CREATE TABLE gone_invoice (id serial PRIMARY KEY, no text UNIQUE)", "DROP TABLE gone_invoice"),
    (
        """CREATE TABLE gone_line (
            id serial PRIMARY KEY,
            invoice_id bigint NOT NULL REFERENCES gone_invoice (id) DEFERRABLE INITIALLY DEFERRED
        )""",
        "DROP TABLE gone_line",
    ),
    ("CREATE TABLE zoo_cascade_parent (id integer PRIMARY KEY, name text)", "DROP TABLE zoo_cascade_parent"),
    (
        """CREATE TABLE zoo_cascade_child (
            id integer PRIMARY KEY,
            parent_id integer REFERENCES zoo_cascade_parent (id) ON DELETE CASCADE ON UPDATE CASCADE,
            step_id integer REFERENCES zoo_cascade_parent (id) ON DELETE SET NULL
        )""",
        "DROP TABLE zoo_cascade_child",
    ),
    (
        '''CREATE TABLE "zoo ""odd"" 100% names" (
            "id" integer PRIMARY KEY,
            "two words" text,
            "say ""hi""" text,
            "it's" text,
            "100%" text,
            "%s" text,
            "back`tick" text,
            "back\\slash" text,
            "semi;colon" text,
            "dot.ted" text,
            "[bracket]" text,
            "größe" text,
            "rowid" text,
            "upper" text,
            "UPPER" text
        )''',
        'DROP TABLE "zoo ""odd"" 100% names"',
    ),
    ("CREATE TABLE zoo_no_rows (id integer PRIMARY KEY)", "DROP TABLE zoo_no_rows"),
    ("CREATE TABLE zoo_no_columns ()", "DROP TABLE zoo_no_columns"),
)

VIEWS_AND_TRIGGERS = (
    (
        "CREATE VIEW zoo_tree_roots AS SELECT id, name FROM zoo_tree WHERE parent_id IS NULL",
        "DROP VIEW zoo_tree_roots",
    ),
    # Sorts before the view it reads from.
    (
        "CREATE VIEW zoo_a_view_of_a_view AS SELECT upper(name) AS name, '100%' AS share FROM zoo_tree_roots",
        "DROP VIEW zoo_a_view_of_a_view",
    ),
    (
        """CREATE FUNCTION zoo_trace() RETURNS trigger LANGUAGE plpgsql AS $body$
        BEGIN
            INSERT INTO zoo_auditline (traced_id, what) VALUES (NEW.id, 'insert; "' || NEW.name || '" 100%');
            RETURN NULL;
        END $body$""",
        "DROP FUNCTION zoo_trace()",
    ),
    (
        "CREATE TRIGGER zoo_trace AFTER INSERT ON zoo_traced FOR EACH ROW EXECUTE FUNCTION zoo_trace()",
        "DROP TRIGGER zoo_trace ON zoo_traced",
    ),
    (
        """CREATE FUNCTION "zoo bump"() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN NEW.version := OLD.version + 1; RETURN NEW; END'""",
        'DROP FUNCTION "zoo bump"()',
    ),
    (
        """CREATE TRIGGER zoo_version BEFORE UPDATE OF name ON zoo_traced FOR EACH ROW
        WHEN (OLD.name IS DISTINCT FROM NEW.name) EXECUTE FUNCTION "zoo bump"()""",
        "DROP TRIGGER zoo_version ON zoo_traced",
    ),
)
