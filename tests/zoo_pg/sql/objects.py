"""What stands on tables: views, indexes, functions, triggers, rules, policies, statistics, comments."""

OBJECTS = (
    (
        "CREATE MATERIALIZED VIEW zoo_pg_moods AS SELECT mood, count(*) AS held FROM zoo_pg_typed GROUP BY mood",
        "DROP MATERIALIZED VIEW zoo_pg_moods",
    ),
    ("CREATE UNIQUE INDEX zoo_pg_moods_mood ON zoo_pg_moods (mood)", "SELECT 1"),
    # Sorts before the one it reads from, and was never filled.
    (
        "CREATE MATERIALIZED VIEW zoo_pg_a_empty AS SELECT * FROM zoo_pg_moods WHERE held > 1 WITH NO DATA",
        "DROP MATERIALIZED VIEW zoo_pg_a_empty",
    ),
    (
        """CREATE VIEW zoo_pg_checked (key, "it's") WITH (security_barrier) AS
        SELECT id, label FROM zoo_pg_holes WHERE late > 0 WITH LOCAL CHECK OPTION""",
        "DROP VIEW zoo_pg_checked",
    ),
    (
        """CREATE RECURSIVE VIEW zoo_pg_depth (id, depth) AS
        SELECT id, 0 FROM zoo_tree WHERE parent_id IS NULL
        UNION ALL
        SELECT t.id, d.depth + 1 FROM zoo_tree t JOIN zoo_pg_depth d ON t.parent_id = d.id""",
        "DROP VIEW zoo_pg_depth",
    ),
    (
        """CREATE INDEX zoo_pg_types_mixed ON zoo_pg_types
        ((zoo_pg_norm(short)), small DESC NULLS LAST, (ci::text) COLLATE zoo_pg_bytes text_pattern_ops)
        INCLUDE (id, mood) WHERE short IS NOT NULL AND mood <> 'sad'""",
        "DROP INDEX zoo_pg_types_mixed",
    ),
    (
        "CREATE INDEX zoo_pg_types_gist ON zoo_pg_types USING gist (whole, days) WITH (fillfactor = 50)",
        "DROP INDEX zoo_pg_types_gist",
    ),
    ("ALTER TABLE zoo_pg_types CLUSTER ON zoo_pg_types_pkey", "SELECT 1"),
    ("ALTER TABLE zoo_pg_types ALTER COLUMN title SET STATISTICS 500", "SELECT 1"),
    ("ALTER TABLE zoo_pg_types ALTER COLUMN bytes_ SET STORAGE EXTERNAL", "SELECT 1"),
    (
        "CREATE STATISTICS zoo_pg_types_related (dependencies) ON small, short FROM zoo_pg_types",
        "DROP STATISTICS zoo_pg_types_related",
    ),
    ("COMMENT ON TABLE zoo_pg_types IS 'it''s every \"type\"; \\ 100%'", "SELECT 1"),
    ("COMMENT ON COLUMN zoo_pg_types.title IS E'two\\nlines'", "SELECT 1"),
    ("COMMENT ON INDEX zoo_pg_types_gist IS 'an index'", "SELECT 1"),
    ("COMMENT ON CONSTRAINT zoo_pg_norm_unique ON zoo_pg_shared_counter IS 'a constraint'", "SELECT 1"),
    # Triggers: by statement, deferred, disabled, and one that fires even for a replica.
    (
        """CREATE FUNCTION zoo_pg_note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
        BEGIN
            INSERT INTO zoo_pg_holes (id, label)
            SELECT coalesce(max(id), 0) + 1, TG_NAME || ' ' || coalesce(TG_ARGV[0], '') FROM zoo_pg_holes;
            RETURN NULL;
        END $$""",
        "DROP FUNCTION zoo_pg_note()",
    ),
    (
        """CREATE TRIGGER zoo_pg_note_all AFTER INSERT ON zoo_pg_city REFERENCING NEW TABLE AS made
        FOR EACH STATEMENT EXECUTE FUNCTION zoo_pg_note('it''s')""",
        "DROP TRIGGER zoo_pg_note_all ON zoo_pg_city",
    ),
    (
        """CREATE CONSTRAINT TRIGGER zoo_pg_note_late AFTER INSERT ON zoo_pg_capital DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION zoo_pg_note()""",
        "DROP TRIGGER zoo_pg_note_late ON zoo_pg_capital",
    ),
    (
        "CREATE TRIGGER zoo_pg_note_off AFTER INSERT ON zoo_pg_unlogged FOR EACH ROW EXECUTE FUNCTION zoo_pg_note()",
        "DROP TRIGGER zoo_pg_note_off ON zoo_pg_unlogged",
    ),
    ("ALTER TABLE zoo_pg_unlogged DISABLE TRIGGER zoo_pg_note_off", "SELECT 1"),
    (
        "CREATE TRIGGER zoo_pg_note_always AFTER INSERT ON zoo_pg_event FOR EACH ROW EXECUTE FUNCTION zoo_pg_note()",
        "DROP TRIGGER zoo_pg_note_always ON zoo_pg_event",
    ),
    ("ALTER TABLE zoo_pg_event ENABLE ALWAYS TRIGGER zoo_pg_note_always", "SELECT 1"),
    (
        """CREATE RULE zoo_pg_no_delete AS ON DELETE TO zoo_pg_unlogged
        DO INSTEAD UPDATE zoo_pg_unlogged SET label = 'deleted; 100%' WHERE id = OLD.id""",
        "DROP RULE zoo_pg_no_delete ON zoo_pg_unlogged",
    ),
    ("ALTER TABLE zoo_pg_holes ENABLE ROW LEVEL SECURITY", "ALTER TABLE zoo_pg_holes DISABLE ROW LEVEL SECURITY"),
    (
        """CREATE POLICY "zoo's policy" ON zoo_pg_holes AS RESTRICTIVE FOR SELECT TO PUBLIC
        USING (label <> 'secret')""",
        """DROP POLICY "zoo's policy" ON zoo_pg_holes""",
    ),
    ("ALTER TABLE zoo_pg_counters REPLICA IDENTITY FULL", "SELECT 1"),
    # A cycle through code: the function takes the table's row, the table's default calls the function.
    ("CREATE TABLE zoo_pg_cycle (id integer PRIMARY KEY, label text)", "DROP TABLE zoo_pg_cycle CASCADE"),
    (
        """CREATE FUNCTION zoo_pg_of(line zoo_pg_cycle) RETURNS text LANGUAGE sql IMMUTABLE
        AS $$ SELECT 'line ' || coalesce(line.id, 0) $$""",
        "SELECT 1",
    ),
    ("ALTER TABLE zoo_pg_cycle ALTER COLUMN label SET DEFAULT zoo_pg_of(NULL)", "SELECT 1"),
    (
        "CREATE AGGREGATE zoo_pg_product(integer) (SFUNC = int4mul, STYPE = integer, INITCOND = '1')",
        "DROP AGGREGATE zoo_pg_product(integer)",
    ),
    (
        "CREATE PROCEDURE zoo_pg_forget(keep integer) LANGUAGE sql AS 'DELETE FROM zoo_pg_holes WHERE id > keep'",
        "DROP PROCEDURE zoo_pg_forget(integer)",
    ),
)
