"""Statements are taken apart at the right places, whatever stands in quotes."""

import pytest

from backups.engines.mysql import ddl, objects, text
from backups.engines.mysql.locking import lock_name

CREATE = """CREATE TABLE `shop``s` (
  `id` int(11) NOT NULL AUTO_INCREMENT COMMENT 'the (id), AUTO_INCREMENT=3',
  `n` bigint DEFAULT nextval(`shop`.`counter`),
  `kind` enum('a,b','c)','d''e','f\\'g') DEFAULT 'a,b',
  `parent` int(11) DEFAULT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `u,q` (`kind`,`n`),
  UNIQUE KEY `prefix` (`kind`(10)),
  KEY `p` (`parent`),
  FULLTEXT KEY `f` (`kind`),
  CONSTRAINT `fk (1)` FOREIGN KEY (`parent`, `n`) REFERENCES `other`.`par``ent` (`a`, `b`) ON DELETE CASCADE,
  CONSTRAINT `fk2` FOREIGN KEY (`parent`) REFERENCES `shop``s` (`id`),
  CONSTRAINT `c` CHECK (`kind` in ('x','),') and `n` > 0)
) ENGINE=InnoDB AUTO_INCREMENT=42 DEFAULT CHARSET=utf8mb4 COMMENT='AUTO_INCREMENT=7'
 PARTITION BY HASH (`id`)"""


@pytest.fixture
def found() -> ddl.Definition:
    """The table above, taken apart."""
    return ddl.definition("shop`s", CREATE, "shop")


def test_the_counter_is_told_from_what_looks_like_one(found: ddl.Definition) -> None:
    assert (found.counted, found.counter) == ("id", 42)
    assert "AUTO_INCREMENT=42" not in found.create.sql
    assert found.create.sql.count("AUTO_INCREMENT=") == 2


def test_what_is_made_after_the_rows_is_not_in_the_table(found: ddl.Definition) -> None:
    assert found.create.sql.count("KEY") == 1
    assert [one.name for one in found.indexes] == ["u,q", "prefix", "p", "f"]
    assert [one.name for one in found.constraints] == ["fk (1)", "fk2"]
    assert [one.name for one in found.checks] == ["c"]
    assert found.checks[0].sql == "ALTER TABLE `shop``s` ADD CONSTRAINT `c` CHECK (`kind` in ('x','),') and `n` > 0)"
    assert found.create.sql.endswith("PARTITION BY HASH (`id`)")


def test_it_can_be_put_together_again(found: ddl.Definition) -> None:
    whole = ddl.whole(found.create, [*found.indexes, *found.constraints, *found.checks])
    again = ddl.definition("shop`s", whole, "shop")
    assert (again.create, again.indexes, again.constraints) == (found.create, found.indexes, found.constraints)
    assert again.counter == 1


def test_foreign_keys_are_understood(found: ddl.Definition) -> None:
    first, second = found.foreign_keys
    assert (first.columns, first.parent_columns, first.parent_name) == (("parent", "n"), ("a", "b"), "other.par`ent")
    assert first.parent_sql == "`other`.`par``ent`"
    assert (second.parent_name, second.schema) == ("shop`s", "")
    assert [ddl.foreign_key_of(one) for one in found.constraints] == [first, second]


def test_a_key_on_a_part_of_a_column_is_not_a_plain_one(found: ddl.Definition) -> None:
    assert {key.name: (key.columns, key.plain) for key in found.unique_keys} == {
        "PRIMARY": (("id",), True),
        "u,q": (("kind", "n"), True),
        "prefix": (("kind",), False),
    }


def test_names_no_longer_say_which_database_they_are_in(found: ddl.Definition) -> None:
    assert "nextval(`counter`)" in found.create.sql
    assert text.without_database("`shop`.`shop`.`id` = 'shop`.`x' + `a`.`shop`.`b`", "shop") == (
        "`shop`.`id` = 'shop`.`x' + `a`.`shop`.`b`"
    )


def test_a_table_without_a_primary_key_keeps_what_tells_its_rows_apart() -> None:
    found = ddl.definition("t", "CREATE TABLE `t` (\n  `a` int,\n  UNIQUE KEY `u` (`a`),\n  KEY `k` (`a`)\n)", "d")
    assert ddl.makes_unique(found.create.sql)
    assert [one.name for one in found.indexes] == ["k"]


def test_an_index_that_a_counter_needs_stays_in_the_table() -> None:
    create = "CREATE TABLE `t` (\n  `a` int,\n  `n` int AUTO_INCREMENT,\n  PRIMARY KEY (`a`,`n`),\n  KEY `k` (`n`)\n)"
    assert ddl.definition("t", create, "d").indexes == ()


def test_the_names_that_a_view_reads_from_are_told_from_columns_and_aliases() -> None:
    view = (
        "select `t`.`a` AS `b`,`s`.`c` AS `c` from (`t` join `sub one` `s` on(`s`.`id` = `t`.`id`)) "
        "where exists(select 1 from `far`.`away` limit 1) and `t`.`a` <> '`quoted`'"
    )
    assert text.mentioned(view) == {"t", "sub one"}


def test_views_come_after_the_views_they_read_from() -> None:
    needs = {"a": {"b", "t"}, "b": {"c"}, "c": {"t"}, "loop": {"loop2"}, "loop2": {"loop"}}
    ordered = objects.dependency_order(needs)
    assert sorted(ordered) == sorted(needs)
    assert ordered.index("c") < ordered.index("b") < ordered.index("a")


@pytest.mark.parametrize(
    ("sql", "kept", "definer"),
    [
        ("CREATE DEFINER=`a``b`@`%` TRIGGER x", "CREATE TRIGGER x", "a`b@%"),
        (
            "CREATE DEFINER=`role` VIEW v AS select ' DEFINER=`x`@`y`'",
            "CREATE VIEW v AS select ' DEFINER=`x`@`y`'",
            "role",
        ),
        ("CREATE VIEW v", "CREATE VIEW v", ""),
    ],
)
def test_a_definer_is_taken_off(sql: str, kept: str, definer: str) -> None:
    assert text.without_definer(sql) == (kept, definer)


def test_an_event_is_switched_off_whatever_its_body_says() -> None:
    event = (
        "SET time_zone = 'UTC';\n"
        "CREATE EVENT `e` ON SCHEDULE EVERY 1 DAY ON COMPLETION NOT PRESERVE ENABLE DO SELECT 'ENABLE'"
    )
    assert objects.is_event(event)
    assert objects.disabled(event) == event.replace("ENABLE DO", "DISABLE DO")
    assert objects.parts(event)[0] == "SET time_zone = 'UTC'"


def test_a_lock_has_a_name_that_the_server_takes() -> None:
    names = [lock_name(database) for database in ("shop", "Shop", "SHOP", "x" * 64, "X" * 64, "größe")]
    assert len({name.lower() for name in names}) == len(names)
    assert all(len(name) <= 64 for name in names)
