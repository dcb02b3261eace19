"""Types, domains, collations and the functions that tables stand on."""

TYPES = (
    (
        "CREATE TYPE zoo_pg_mood AS ENUM ('sad', 'it''s ok', 'happy', 'Zen', 'a,b \"c\"', '')",
        "DROP TYPE zoo_pg_mood",
    ),
    # Its place in the order is a fraction.
    ("ALTER TYPE zoo_pg_mood ADD VALUE 'gloomy' BEFORE 'it''s ok'", "SELECT 1"),
    ("COMMENT ON TYPE zoo_pg_mood IS 'it''s a \"mood\"; 100%'", "SELECT 1"),
    (
        "CREATE DOMAIN zoo_pg_even AS integer DEFAULT 2 CONSTRAINT zoo_pg_even_only CHECK (VALUE % 2 = 0)",
        "DROP DOMAIN zoo_pg_even",
    ),
    (
        r"CREATE DOMAIN zoo_pg_code AS text COLLATE zoo_pg_bytes NOT NULL CHECK (VALUE ~ '^\w+%?$')",
        "DROP DOMAIN zoo_pg_code",
    ),
    (
        "CREATE TYPE zoo_pg_place AS (x double precision, name text, mood zoo_pg_mood, tags text[])",
        "DROP TYPE zoo_pg_place",
    ),
    ("CREATE DOMAIN zoo_pg_places AS zoo_pg_place[]", "DROP DOMAIN zoo_pg_places"),
    (
        "CREATE TYPE zoo_pg_span AS RANGE (subtype = double precision, subtype_diff = float8mi)",
        "DROP TYPE zoo_pg_span",
    ),
    # A server may be built without ICU; then this collation is not there, and nothing uses it.
    (
        """DO $do$ BEGIN
            CREATE COLLATION zoo_pg_ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
        EXCEPTION WHEN OTHERS THEN RAISE DEBUG 'no ICU here';
        END $do$""",
        "DROP COLLATION IF EXISTS zoo_pg_ci",
    ),
    (
        """CREATE FUNCTION zoo_pg_norm(word text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
        RETURN lower(btrim(word, E' \\t'))""",
        "DROP FUNCTION zoo_pg_norm(text)",
    ),
    (
        """CREATE FUNCTION zoo_pg_next(step integer DEFAULT 1, OUT result integer) LANGUAGE plpgsql STABLE
        SET search_path = public AS $_$ BEGIN result := $1 * 10; -- it's 100%
        END $_$""",
        "DROP FUNCTION zoo_pg_next(integer)",
    ),
)
