"""Raw tables, views and triggers of the zoo, for SQLite."""

TABLES = (
    (
        """CREATE TABLE zoo_unknown (
            id INTEGER PRIMARY KEY,   -- a comment that is part of the schema
            label TEXT NOT NULL DEFAULT 'it''s',
            made TEXT DEFAULT CURRENT_TIMESTAMP,
            amount NUMERIC,
            untyped,
            CHECK (label <> '100%')
        )""",
        "DROP TABLE zoo_unknown",
    ),
    ("CREATE INDEX zoo_unknown_label ON zoo_unknown (lower(label), amount DESC) WHERE amount > 0", "SELECT 1"),
    ("CREATE TABLE zoo_keyless (a integer, b text, c real)", "DROP TABLE zoo_keyless"),
    ("CREATE TABLE gone_invoice (id integer PRIMARY KEY AUTOINCREMENT, no text UNIQUE)", "DROP TABLE gone_invoice"),
    (
        """CREATE TABLE gone_line (
            id integer PRIMARY KEY AUTOINCREMENT,
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
            "rowid" text
        )''',
        'DROP TABLE "zoo ""odd"" 100% names"',
    ),
    # SQLite alone from here on.
    (
        "CREATE TABLE zoo_without_rowid (a text, b integer, c, PRIMARY KEY (a, b DESC)) WITHOUT ROWID",
        "DROP TABLE zoo_without_rowid",
    ),
    (
        """CREATE TABLE zoo_strict (
            id INTEGER PRIMARY KEY, i INT, r REAL, t TEXT, b BLOB, a ANY,
            v TEXT GENERATED ALWAYS AS (upper(t)) VIRTUAL,
            s INT GENERATED ALWAYS AS (i * 2) STORED
        ) STRICT""",
        "DROP TABLE zoo_strict",
    ),
    # A primary key that is no rowid, and that SQLite lets be NULL, more than once.
    ("CREATE TABLE zoo_null_key (code text PRIMARY KEY, label text)", "DROP TABLE zoo_null_key"),
    ("CREATE TABLE zoo_nocase_key (code text COLLATE NOCASE PRIMARY KEY)", "DROP TABLE zoo_nocase_key"),
    # A quirk kept for old files: spelt so, the key is no alias of the rowid.
    ("CREATE TABLE zoo_desc_key (id INTEGER PRIMARY KEY DESC, label text)", "DROP TABLE zoo_desc_key"),
    ("CREATE TABLE zoo_no_rows (id integer PRIMARY KEY)", "DROP TABLE zoo_no_rows"),
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
        """CREATE TRIGGER zoo_trace AFTER INSERT ON zoo_traced BEGIN
            INSERT INTO zoo_auditline (traced_id, what) VALUES (NEW.id, 'insert; "' || NEW.name || '" 100%');
        END""",
        "DROP TRIGGER zoo_trace",
    ),
    (
        """CREATE TRIGGER zoo_version AFTER UPDATE OF name ON zoo_traced WHEN OLD.name <> NEW.name BEGIN
            UPDATE zoo_traced SET version = version + 1 WHERE id = NEW.id;
        END""",
        "DROP TRIGGER zoo_version",
    ),
    (
        """CREATE TRIGGER zoo_root_insert INSTEAD OF INSERT ON zoo_tree_roots BEGIN
            INSERT INTO zoo_tree (name) VALUES (NEW.name);
        END""",
        "DROP TRIGGER zoo_root_insert",
    ),
)
