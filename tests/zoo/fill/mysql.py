"""Rows of the tables that only MariaDB has."""

from tests.zoo.fill.insert import execute, insert


def fill_mysql(using: str) -> None:
    """Every column type of MariaDB's own, at its edges; zero dates too."""
    execute(
        using,
        r"""INSERT INTO zoo_mysql_types (
            id, mood, moods, one_bit, ten_bits, tiny, medium, big, year_, single, exact, padded_char, padded_binary,
            variable_binary, seconds, micro, day_, moment, time_, verbatim, address, ident, place, latin, utf16,
            three_bytes, hidden
        ) VALUES
        (0, 'it''s', 'a,c d', b'1', b'1000000001', 255, -8388608, 18446744073709551615, 2155, 3.402823466e38,
            99999999999999999999999999999999999.999999999999999999999999999999, 'ab  ', 'a', x'00ff0a2720',
            '2038-01-19 03:14:07', '1970-01-01 00:00:01.000001', '9999-12-31', '9999-12-31 23:59:59.999999',
            '838:59:59.999999', '{"b": 1,\n "a": 2, "a": 3}', '::ffff:192.0.2.1',
            '00000000-0000-0000-0000-000000000001', POINT(1.5, -2.25), 'größe', '🛟', 'größe', NULL),
        (1, '', '', b'0', b'0', 0, 8388607, 0, 1901, -0.1, -0.000000000000000000000000000001, '', '', '',
            NULL, '2024-10-27 00:30:00.5', '0001-01-01', '0001-01-01 00:00:00', '-838:59:59.999999', 'null',
            '::', 'ffffffff-ffff-ffff-ffff-ffffffffffff', NULL, '', '', '', 6),
        (18446744073709551615, 'a,b', NULL, NULL, NULL, NULL, NULL, NULL, 0, 1.17549435e-38, NULL, ' a', x'00000000',
            x'61620000', NULL, NULL, NULL, NULL, '-00:00:00.000001', '[1.10, 1e400, "\\u0000"]', NULL, NULL, NULL,
            NULL, NULL, NULL, 7)""",
    )
    # Not dates, yet MariaDB holds them: the first two as it comes, the last on request.
    execute(
        using,
        "SET @zoo_mode = @@sql_mode",
        "SET sql_mode = 'ALLOW_INVALID_DATES'",
        "INSERT INTO zoo_mysql_types (id, day_, moment) VALUES (20, '0000-00-00', '0000-00-00 00:00:00')",
        "INSERT INTO zoo_mysql_types (id, day_, moment) VALUES (21, '2024-00-00', '2024-05-00 07:08:09.5')",
        "INSERT INTO zoo_mysql_types (id, day_, moment) VALUES (22, '2023-02-31', '2023-02-31 01:02:03')",
        "SET sql_mode = @zoo_mode",
    )
    insert(using, "zoo_mysql_myisam", ["label"], [("outside any snapshot",), (None,), ("it's",)])
    insert(using, "zoo_mysql_partitioned", ["id", "day_"], [(1, "2019-12-31"), (1, "2020-01-01"), (2, "9999-12-31")])
    execute(using, "SELECT NEXTVAL(zoo_mysql_tickets), NEXTVAL(zoo_mysql_tickets)")
