"""Rows of ``zoo_pg_types``: each type of PostgreSQL's at its edges."""

TYPES_ROWS = (
    r"""INSERT INTO zoo_pg_types VALUES (
        1, -32768, 123456789012345678901234567890.12345678901234567890, 1234567, 0.1, -1234.56,
        'ab', 'x', 'a "name"', 'short',
        '2024-05-06 07:08:09.6', '2024-05-06 07:08:09.6789+02', '2024-03-31 02:30:00', '2024-05-06 07:08:09.000001+00',
        '0001-01-01', '07:08:09.10', '07:08:09.123456-03:30', '1 year -2 days 00:00:00.1', '-1 year 2 mons',
        B'1010101010', B'1',
        E'{"b": 1,\n "a" : 2, "a": 3}', '{"b": 1, "a": 2, "a": 3}', '$.a[*] ? (@ > 1 && @.b like_regex "^it''s")',
        '192.0.2.1/24', '192.0.2.0/24', '08:00:2b:01:02:03', '08:00:2b:01:02:03:04:05',
        '(0.1,-0)', '{1,-1,0}', '[(0,0),(1,1)]', '((1,1),(0,0))', '[(0,0),(1,1.5)]', '((0,0),(1,1),(1,0))', '<(0,0),5>',
        'a:1 fat:2,4B', '''fat'' & ( a | !b:* ) <-> ''it''''s''',
        '[2024-01-01,2024-02-01]', '(,5]', '{[1,2],[5,9),[9,10]}', '[-0.5,Infinity)',
        'a=>1, "b c"=>NULL, ""=>"\""', 'CaSe',
        'it''s ok', '{sad,"a,b \"c\"",NULL,""}', 0, '{a,b%}',
        '(1.5,"it''s ""x"",\\y",Zen,"{a,NULL,""b c""}")', '{"(1,a,sad,{})","(,,,)",NULL}',
        4294967295, 'timestamp with time zone', 'FFFFFFFF/FFFFFFFF', '18446744073709551615',
        '[0:2]={1,NULL,3}', '{{a,"b,c"},{NULL,"NULL"}}', '{1 mon,-1 day,00:00:00.000001}',
        '{"[2024-01-01 00:00+00,)",empty,"(-infinity,infinity)"}', '\x00ff5c27'
    )""",
    """INSERT INTO zoo_pg_types (
        id, small, number, thousands, single, cash, padded, letter, title, short, seconds, millis, plain, at, day, clock,
        zoned, span, years, flags, more_flags, verbatim, tree, host, net, words, asked, days, whole, several, own,
        pairs, ci, mood, moods, even, codes, spot, spots, object, kind, integers, texts, bytes_
    ) VALUES (
        2, 0, 'NaN', 0, 'NaN', '-92233720368547758.08', '', '', '', '', 'infinity', '-infinity', 'infinity', 'infinity',
        'infinity', '24:00:00', '24:00:00-15:59:59', '00:00:00', '0', B'0000000000', B'', 'null', 'null', '::/0',
        '::/0', '', '', 'empty', 'empty', '{}', 'empty', '', '', '', '{}', NULL, '{}', '(,,,)', '{}', 0, 'integer[]',
        '{}', '{}', ''
    )""",
    """INSERT INTO zoo_pg_types (
        id, small, number, thousands, single, cash, padded, letter, short, seconds, millis, plain, at, day, clock, zoned,
        span, years, verbatim, tree, host, place, words, whole, several, own, spots, object, kind, integers, bytes_
    ) VALUES (
        3, 32767, 'Infinity', -9999900, 'Infinity', '92233720368547758.07', '  a ', E'\\\\', '  ', '-infinity',
        'infinity', '0044-03-15 12:00:00 BC', '0044-03-15 12:00:00.5+00 BC', '0044-03-15 BC', '23:59:59.999999',
        '00:00:00+15:59:59', '-178000000 years', '178000000 years', E'\\t"a"\\r\\n ', '1e-20', '::ffff:192.0.2.1',
        '(NaN,Infinity)', '''a b'':1 ''c:d''', '(,)', '{(,)}', '(,)', NULL, 2147483648, 'zoo_tree',
        '[-2147483648:-2147483648]={5}', '\\x5c30'
    )""",
    """INSERT INTO zoo_pg_types (id, number, single, verbatim, thousands) VALUES
        (4, '-Infinity', '-Infinity', '{}', NULL),
        (5, 0.000, -0.0, '[ ]', NULL),
        (6, 1.10, 1e-45, '"\\u0000"', NULL),
        (7, 1.1, 3.4028235e38, '"\\ud800"', NULL),
        (8, 1e300, 16777216, '1e400', NULL),
        (9, 1e-300, 0.3, '  1.0  ', NULL)""",
    "INSERT INTO zoo_pg_types (id) VALUES (-2147483648), (2147483647)",
)
