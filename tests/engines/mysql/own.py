"""Statements that make what only MariaDB has, and what is awkward about it; one list for each theme."""

LENIENT = "SET SESSION sql_mode = 'ALLOW_INVALID_DATES'"
UNCHECKED = "SET SESSION foreign_key_checks = 0"
CHECKED = "SET SESSION foreign_key_checks = 1"

NAMES = [
    """CREATE TABLE `we``ird %s "t"` (`select` int PRIMARY KEY, `a'b` text, `50%` varchar(10) COLLATE utf8mb4_german2_ci,
    `ü€x` int, UNIQUE KEY `k``1` (`50%`)) COMMENT 'it''s a "comment", with (parentheses) \\n and \\\\'""",
    r"""INSERT INTO `we``ird %s "t"` VALUES (1, 'it''s \\ "x" `y` %s \n \0 😀', 'ß', 3), (2, NULL, 'SSx ', NULL)""",
    "CREATE TABLE `12` (a int PRIMARY KEY)",
    "CREATE TABLE `CamelCase` (`Id` int PRIMARY KEY, `id2` int, KEY (`id2` DESC))",
]
COLUMNS = [
    """CREATE TABLE gen (id int PRIMARY KEY, a int, b int AS (a * 2) VIRTUAL, c int AS (a + 1) STORED,
    d varchar(20) INVISIBLE DEFAULT 'x', KEY (c), UNIQUE KEY (b))""",
    "INSERT INTO gen (id, a, d) VALUES (1, 2, 'hidden'), (2, NULL, NULL)",
    r"""CREATE TABLE defs (id int PRIMARY KEY DEFAULT 5, a int DEFAULT (1 + 1), t varchar(30) DEFAULT 'it''s \\ "q"',
    ts timestamp DEFAULT current_timestamp ON UPDATE current_timestamp, dt datetime(6) DEFAULT current_timestamp(6),
    j json DEFAULT '{}', b bit(3) DEFAULT b'101', tx text DEFAULT concat('a', 'b'),
    c int COMMENT 'com, (ment) ''q'' \n x') COMMENT 'tab'""",
    "INSERT INTO defs VALUES (1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)",
    f"CREATE TABLE wide ({', '.join(f'c{i} int' for i in range(200))}, PRIMARY KEY (c150, c3))",
    f"INSERT INTO wide VALUES ({', '.join(str(i) for i in range(200))})",
    """CREATE TABLE comp (id int PRIMARY KEY, t text COMPRESSED, v varchar(100) COLLATE utf8mb4_bin) PAGE_COMPRESSED=1
    DEFAULT CHARSET=utf8mb3""",
    "INSERT INTO comp VALUES (1, 'zip', 'x')",
]
RELATIONS = [
    "CREATE TABLE parent (a int, b varchar(20), c int UNIQUE, PRIMARY KEY (a, b)) COMMENT='p (x), ''y'''",
    """CREATE TABLE child (id int PRIMARY KEY AUTO_INCREMENT, pa int, pb varchar(20), self int,
    CONSTRAINT fk_p FOREIGN KEY (pa, pb) REFERENCES parent (a, b) ON DELETE CASCADE ON UPDATE SET NULL,
    CONSTRAINT fk_s FOREIGN KEY (self) REFERENCES child (id)) AUTO_INCREMENT=77""",
    UNCHECKED,
    "INSERT INTO parent VALUES (0, '', 0), (-1, 'B', NULL), (1, 'a', 5)",
    "INSERT INTO child VALUES (1, 0, '', 2), (2, NULL, 'nowhere', 1), (5, 1, 'A', NULL), (9, 55, 'lost', 9999)",
    CHECKED,
    """CREATE TABLE chk (id int, u varchar(10) CHECK (u <> 'a,b)'), CONSTRAINT `c ``1` CHECK (u IN ('kg', 'it''s', '(x')),
    CONSTRAINT c2 CHECK (id > 0), UNIQUE (id))""",
    "INSERT INTO chk VALUES (1, 'kg'), (NULL, 'it''s'), (NULL, 'it''s')",
]
INDEXES = [
    """CREATE TABLE indexed (id int PRIMARY KEY, t text, FULLTEXT KEY ft (t), KEY pre (t(10)), p point NOT NULL,
    SPATIAL KEY sp (p), UNIQUE KEY uq (t) USING HASH) ROW_FORMAT=COMPRESSED""",
    "INSERT INTO indexed VALUES (1, 'hello world', point(1, 2)), (2, 'other', point(3, 4))",
    "CREATE TABLE ign (id int PRIMARY KEY, a int, b int, KEY ia (a) IGNORED, KEY ib (b, a) COMMENT 'idx')",
    """CREATE TABLE part (id int NOT NULL, d date NOT NULL, PRIMARY KEY (id, d)) PARTITION BY RANGE (year(d))
    (PARTITION p0 VALUES LESS THAN (2000), PARTITION p1 VALUES LESS THAN MAXVALUE)""",
    "INSERT INTO part VALUES (1, '1999-01-01'), (2, '2020-02-29')",
    """CREATE TABLE per (id int, s date, e date, PERIOD FOR p (s, e), UNIQUE (id, p WITHOUT OVERLAPS))""",
    "INSERT INTO per VALUES (1, '2020-01-01', '2021-01-01'), (1, '2021-01-01', '2022-01-01')",
]
CHARSETS = [
    """CREATE TABLE charsets (id int PRIMARY KEY, v varchar(20) CHARSET sjis, c varchar(10) CHARSET cp1251,
    k varchar(10) CHARSET ucs2, u varchar(10) CHARSET utf32, l char(10) CHARSET latin1, b char(10) CHARACTER SET binary)""",
    "INSERT INTO charsets VALUES (1, '日本', 'привет', '日', '😀', 'é ü', 'ab '), (2, '', NULL, NULL, '', X'80819D', '')",
    "CREATE TABLE sjis_key (k varchar(20) CHARSET sjis PRIMARY KEY, l varchar(3) CHARSET latin1)",
    "INSERT INTO sjis_key VALUES ('日本', 'é'), ('本', 'a'), ('a', 'b')",
]
KEYS = [
    "CREATE TABLE ci_key (k varchar(20) COLLATE utf8mb4_unicode_ci PRIMARY KEY, v int)",
    """INSERT INTO ci_key VALUES ('a', 1), ('B', 2), ('ä2', 3), ('Z', 4), ('é', 5), ('', 6), ('ß', 7), ('😀', 8), ('a b', 9),
    ('A-b', 10), ('_', 11), ('-', 12)""",
    LENIENT,
    """CREATE TABLE mixed_key (k datetime(6), d decimal(20, 10), f double, b varbinary(10), t time(3), y year, bo date,
    fl float, PRIMARY KEY (k, d, f, b, t, y, bo, fl))""",
    "INSERT INTO mixed_key VALUES ('0000-00-00', '-1.5', -1e300, X'00', '-838:59:59.999', 0, '0000-00-00', 0.1)",
    "INSERT INTO mixed_key VALUES ('0000-00-00', '-1.5', -1e300, X'00', '-838:59:59.999', 0, '0000-00-00', 0.2)",
    """INSERT INTO mixed_key VALUES ('2020-01-01 00:00:00.000001', '1234567890.0123456789', 0.1, X'FF27', '12:00:00', 2020,
    '2020-02-30', 1e38)""",
    "INSERT INTO mixed_key VALUES ('2020-00-00', '0', 0, '', '00:00', 1999, '9999-12-31', -1.17549e-38)",
    "CREATE TABLE enum_key (e enum('z', 'a', 'm') PRIMARY KEY, v int)",
    "INSERT INTO enum_key VALUES ('m', 1), ('a', 2), ('z', 3)",
    "CREATE TABLE keyless (a int, t longtext, f float, d datetime(3), b blob)",
    """INSERT INTO keyless VALUES (1, concat(repeat('x', 5000), 'b'), 1.1, now(3), X'00FF'), (1, concat(repeat('x', 5000), 'a'),
    1.1, now(3), X'00FF'), (NULL, NULL, NULL, NULL, NULL), (NULL, NULL, NULL, NULL, NULL), (1, 'x', -1e-30, '0000-00-00', ''),
    (1, 'x ', -1e-30, '0000-00-00', '')""",
]
TYPES = [
    LENIENT,
    """CREATE TABLE enums (id int PRIMARY KEY, e enum('', 'a', 'b,c', 'it''s'), f enum('x', '0', '1') NOT NULL,
    s set('p', 'q', ''))""",
    "INSERT INTO enums VALUES (1, '', 'x', ''), (2, 'b,c', '1', 'p,q'), (3, 'zz', 'zz', 'p'), (4, 'it''s', '', 'q')",
    """CREATE TABLE own_types (u uuid PRIMARY KEY, i inet6, i4 inet4, m bigint unsigned, z int(5) zerofill, b1 bit(1),
    b64 bit(64), dz decimal(10, 2) unsigned zerofill, g geometry, y year)""",
    """INSERT INTO own_types VALUES ('ffffffff-ffff-ffff-ffff-ffffffffffff', '2001:db8::1', '255.255.255.255', 1, 12345,
    NULL, 1, 1.5, linestring(point(0, 0), point(1, 1)), 2155)""",
    """INSERT INTO own_types VALUES ('00000000-0000-0000-0000-000000000000', '::ffff:1.2.3.4', '1.2.3.4', 18446744073709551615, 3,
    b'1', X'FFFFFFFFFFFFFFFF', 0, point(1, 2), 0)""",
    "CREATE TABLE moments (id int PRIMARY KEY, t time, t3 time(3), d datetime, d6 datetime(6), s timestamp(2) NULL, a date)",
    """INSERT INTO moments VALUES (0, '24:00:00', '-00:00:00.001', '0000-00-00', '2026-02-31 00:00:00', 0, '2026-00-10'),
    (1, '838:59:59', '100:00:00.5', '1000-01-01', '9999-12-31 23:59:59.999999', '1970-01-01 00:00:01.25', '0001-01-01')""",
]
ENGINES = [
    "CREATE TABLE in_myisam (id int PRIMARY KEY AUTO_INCREMENT, v varchar(10), KEY (v)) ENGINE=MyISAM",
    "INSERT INTO in_myisam VALUES (3, 'x'), (9, 'y')",
    "CREATE TABLE in_aria (id int, v blob) ENGINE=Aria",
    "INSERT INTO in_aria VALUES (3, 'x'), (NULL, NULL)",
    "CREATE TABLE merged (id int PRIMARY KEY AUTO_INCREMENT, v varchar(10), KEY (v)) ENGINE=MERGE UNION=(in_myisam)",
    "CREATE TABLE versioned (id int PRIMARY KEY, v int) WITH SYSTEM VERSIONING",
    "INSERT INTO versioned VALUES (1, 1), (2, 2)",
    "UPDATE versioned SET v = 3 WHERE id = 1",
    "DELETE FROM versioned WHERE id = 2",
]
OBJECTS = [
    "CREATE SEQUENCE counter START WITH 100 INCREMENT BY 5 CACHE 10",
    "SELECT nextval(counter)",
    "CREATE SEQUENCE downwards START WITH -1 INCREMENT BY -1 MINVALUE -100 MAXVALUE -1 NOCACHE CYCLE",
    "CREATE TABLE counted (id bigint DEFAULT (nextval(counter)) PRIMARY KEY, x varchar(10))",
    "INSERT INTO counted (x) VALUES ('a')",
    "CREATE VIEW v1 AS SELECT * FROM child WHERE id IN (1, 2, 5) AND pb LIKE '%a%'",
    "CREATE VIEW a0 AS SELECT v1.id, p.c FROM v1 JOIN parent p ON p.a = v1.pa ORDER BY 1",
    r"""CREATE ALGORITHM=MERGE SQL SECURITY INVOKER VIEW v2 AS WITH x AS (SELECT 1 AS one)
    SELECT one, concat('it''s', '\\') AS `co l` FROM x""",
    "CREATE TABLE soon_gone (id int)",
    "CREATE VIEW broken AS SELECT * FROM soon_gone",
    "DROP TABLE soon_gone",
    """CREATE FUNCTION f1(x int) RETURNS int DETERMINISTIC
    BEGIN DECLARE y int DEFAULT 1; IF x > 0 THEN SET y = x; END IF; RETURN y; END""",
    "CREATE PROCEDURE p1(IN a int, OUT b varchar(10)) COMMENT 'hi; there' BEGIN SELECT 1; SET b = 'x;y'; END",
    "CREATE VIEW of_function AS SELECT f1(id) AS f FROM child",
    "CREATE TRIGGER tr1 BEFORE INSERT ON parent FOR EACH ROW BEGIN SET new.c = ifnull(new.c, 0) + 1; END",
    "CREATE TRIGGER `tr 2` AFTER UPDATE ON parent FOR EACH ROW INSERT INTO in_myisam (v) VALUES ('%s')",
    "CREATE TRIGGER tr0 BEFORE INSERT ON parent FOR EACH ROW FOLLOWS tr1 SET @x = 'double'",
    "CREATE EVENT nightly ON SCHEDULE EVERY 1 DAY STARTS '2037-01-01' ON COMPLETION PRESERVE COMMENT 'x' DO DELETE FROM counted",
]
EVERYTHING = [*NAMES, *COLUMNS, *RELATIONS, *INDEXES, *CHARSETS, *KEYS, *TYPES, *ENGINES, *OBJECTS]
