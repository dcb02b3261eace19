"""The normal form of statements: what PostgreSQL respells is made equal, and nothing else is."""

import pytest

from backups.engines.postgresql.normal import normal

TEXTS = "(ARRAY['a'::character varying, 'b, (c]'::character varying])::text[]"
SINGLY = "ARRAY[('a'::character varying)::text, ('b, (c]'::character varying)::text]"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (f"CHECK (((u)::text = ANY ({TEXTS})))", f"CHECK (((u)::text = ANY ({SINGLY})))"),
        (f"({TEXTS}) OR ({TEXTS})", f"({SINGLY}) OR ({SINGLY})"),
        ("(ARRAY[f(1, 2), (3)])::numeric(10,2)[]", "ARRAY[(f(1, 2))::numeric(10,2), ((3))::numeric(10,2)]"),
        ('(ARRAY[\'x\'::"S T".d])::"S T".e[]', 'ARRAY[(\'x\'::"S T".d)::"S T".e]'),
        ('"a" integer CONSTRAINT "t a" NOT NULL', '"a" integer NOT NULL'),
        (
            "ADD CONSTRAINT k FOREIGN KEY (a) REFERENCES b(c) NOT VALID",
            "ADD CONSTRAINT k FOREIGN KEY (a) REFERENCES b(c)",
        ),
        (
            "CREATE VIEW v AS\n SELECT t.a FROM s.t WHERE (t.a > 1)",
            "CREATE VIEW v AS\n SELECT a FROM s.t WHERE (a > 1)",
        ),
        ("CREATE VIEW v AS\n SELECT x.a FROM s.t x", "CREATE VIEW v AS\n SELECT a FROM s.t x"),
        ('CREATE VIEW v AS\n SELECT "T".a FROM "T"', 'CREATE VIEW v AS\n SELECT a FROM "T"'),
        (
            "CREATE MATERIALIZED VIEW v AS\n SELECT sum(t.a) AS s FROM t GROUP BY t.b\nWITH NO DATA",
            "CREATE MATERIALIZED VIEW v AS\n SELECT sum(a) AS s FROM t GROUP BY b\nWITH NO DATA",
        ),
    ],
)
def test_one_meaning_has_one_form(one: str, other: str) -> None:
    assert normal(one) == normal(other)
    assert normal(normal(one)) == normal(one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("(ARRAY['a'::text, 'b'::text])::text[]", "(ARRAY['a'::text, 'c'::text])::text[]"),
        ("(ARRAY['a, b'])::text[]", "(ARRAY['a', 'b'])::text[]"),
        ("(ARRAY['a'])::text[]", "(ARRAY['a'])::citext[]"),
        ('"a" integer NOT NULL', '"a" integer'),
        ("CHECK ((a > 1)) NOT VALID", "CHECK ((a > 1))"),
        ("CREATE VIEW v AS\n SELECT t.a FROM t", "CREATE VIEW v AS\n SELECT t.b FROM t"),
        (
            "CREATE VIEW v AS\n SELECT t.a FROM (t JOIN u ON (true))",
            "CREATE VIEW v AS\n SELECT u.a FROM (t JOIN u ON (true))",
        ),
        ("CREATE VIEW v AS\n SELECT t.a FROM t, u", "CREATE VIEW v AS\n SELECT u.a FROM t, u"),
        (
            "CREATE VIEW v AS\n SELECT t.a FROM t WHERE (EXISTS ( SELECT FROM u WHERE (t.a = u.a)))",
            "CREATE VIEW v AS\n SELECT t.a FROM t WHERE (EXISTS ( SELECT FROM u WHERE (a = u.a)))",
        ),
        (
            "CREATE VIEW v AS\n SELECT t.a FROM t UNION SELECT u.a FROM u",
            "CREATE VIEW v AS\n SELECT a FROM t UNION SELECT a FROM u",
        ),
    ],
)
def test_two_meanings_have_two_forms(one: str, other: str) -> None:
    assert normal(one) != normal(other)


@pytest.mark.parametrize("text", ["(ARRAY[", "(ARRAY[1, 2", "CHECK (x = '(ARRAY[a')", "CREATE VIEW v AS\n", ""])
def test_text_that_is_no_such_expression_is_left_alone(text: str) -> None:
    assert normal(text) == text
