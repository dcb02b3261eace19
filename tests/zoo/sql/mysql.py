"""Raw tables, views, triggers and routines of the zoo, for MariaDB."""

TABLES = (
    (
        """CREATE TABLE zoo_unknown (
            id integer AUTO_INCREMENT PRIMARY KEY,
            label varchar(200) NOT NULL DEFAULT 'it''s' COMMENT 'a "comment"; it''s 100%',
            made timestamp(6) DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6),
            amount decimal(65, 30),
            CHECK (label <> '100%'),
            KEY zoo_unknown_label (label(10), amount)
        ) COMMENT = 'a table that no model knows'""",
        "DROP TABLE zoo_unknown",
    ),
    ("CREATE TABLE zoo_keyless (a integer, b text, c double)", "DROP TABLE zoo_keyless"),
    (
        "CREATE TABLE gone_invoice (id integer AUTO_INCREMENT PRIMARY KEY, no varchar(50) UNIQUE)",
        "DROP TABLE gone_invoice",
    ),
    (
        """CREATE TABLE gone_line (
            id integer AUTO_INCREMENT PRIMARY KEY,
            invoice_id integer NOT NULL,
            CONSTRAINT gone_line_invoice FOREIGN KEY (invoice_id) REFERENCES gone_invoice (id)
        )""",
        "DROP TABLE gone_line",
    ),
    ("CREATE TABLE zoo_cascade_parent (id integer PRIMARY KEY, name text)", "DROP TABLE zoo_cascade_parent"),
    (
        """CREATE TABLE zoo_cascade_child (
            id integer PRIMARY KEY,
            parent_id integer,
            step_id integer,
            FOREIGN KEY (parent_id) REFERENCES zoo_cascade_parent (id) ON DELETE CASCADE ON UPDATE CASCADE,
            FOREIGN KEY (step_id) REFERENCES zoo_cascade_parent (id) ON DELETE SET NULL
        )""",
        "DROP TABLE zoo_cascade_child",
    ),
    (
        """CREATE TABLE `zoo "odd" 100% names` (
            `id` integer PRIMARY KEY,
            `two words` text,
            `say "hi"` text,
            `it's` text,
            `100%` text,
            `%s` text,
            `back``tick` text,
            `back\\slash` text,
            `semi;colon` text,
            `dot.ted` text,
            `[bracket]` text,
            `größe` text,
            `rowid` text
        )""",
        'DROP TABLE `zoo "odd" 100% names`',
    ),
    # MariaDB alone from here on.
    (
        """CREATE TABLE zoo_mysql_types (
            id bigint unsigned PRIMARY KEY,
            mood enum('happy', 'it''s', '', 'ü', 'a,b'),
            moods set('a', 'b', 'c d'),
            one_bit bit(1),
            ten_bits bit(10),
            tiny tinyint unsigned,
            medium mediumint,
            big bigint unsigned,
            year_ year,
            single float,
            exact decimal(65, 30),
            padded_char char(10),
            padded_binary binary(4),
            variable_binary varbinary(300),
            seconds timestamp NULL,
            micro timestamp(6) NULL,
            day_ date,
            moment datetime(6),
            time_ time(6),
            verbatim json,
            address inet6,
            ident uuid,
            place point,
            latin varchar(50) CHARACTER SET latin1 COLLATE latin1_german1_ci,
            utf16 varchar(50) CHARACTER SET utf16,
            three_bytes varchar(50) CHARACTER SET utf8mb3,
            doubled integer GENERATED ALWAYS AS (medium * 2) VIRTUAL,
            hidden integer INVISIBLE DEFAULT 5,
            defaulted varchar(50) DEFAULT (concat('it''s ', 100, '%')),
            UNIQUE KEY zoo_mysql_big (big),
            FULLTEXT KEY zoo_mysql_latin (latin)
        ) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci""",
        "DROP TABLE zoo_mysql_types",
    ),
    # Not transactional, so no consistent snapshot covers it.
    (
        "CREATE TABLE zoo_mysql_myisam (id integer AUTO_INCREMENT PRIMARY KEY, label text) ENGINE = MyISAM",
        "DROP TABLE zoo_mysql_myisam",
    ),
    (
        """CREATE TABLE zoo_mysql_partitioned (id integer, day_ date, PRIMARY KEY (id, day_))
        PARTITION BY RANGE (year(day_)) (
            PARTITION old VALUES LESS THAN (2020), PARTITION rest VALUES LESS THAN MAXVALUE
        )""",
        "DROP TABLE zoo_mysql_partitioned",
    ),
    # A sequence lies among the tables of MariaDB's information schema.
    ("CREATE SEQUENCE zoo_mysql_tickets START WITH 5 INCREMENT BY 3", "DROP SEQUENCE zoo_mysql_tickets"),
    ("CREATE TABLE zoo_no_rows (id integer PRIMARY KEY)", "DROP TABLE zoo_no_rows"),
)

VIEWS_AND_TRIGGERS = (
    (
        "CREATE VIEW zoo_tree_roots AS SELECT id, name FROM zoo_tree WHERE parent_id IS NULL",
        "DROP VIEW zoo_tree_roots",
    ),
    (
        """CREATE FUNCTION zoo_shout(word text) RETURNS text DETERMINISTIC
        BEGIN
            DECLARE loud text;
            SET loud = upper(word);
            RETURN concat(loud, '!');
        END""",
        "DROP FUNCTION zoo_shout",
    ),
    # Sorts before the view it reads from.
    (
        """CREATE VIEW zoo_a_view_of_a_view AS
        SELECT zoo_shout(name) AS name, '100%' AS share FROM zoo_tree_roots""",
        "DROP VIEW zoo_a_view_of_a_view",
    ),
    (
        """CREATE TRIGGER zoo_trace AFTER INSERT ON zoo_traced FOR EACH ROW
        BEGIN
            INSERT INTO zoo_auditline (traced_id, what) VALUES (NEW.id, concat('insert; "', NEW.name, '" 100%'));
        END""",
        "DROP TRIGGER zoo_trace",
    ),
    (
        """CREATE TRIGGER zoo_version BEFORE UPDATE ON zoo_traced FOR EACH ROW
        IF NEW.name <> OLD.name THEN SET NEW.version = OLD.version + 1; END IF""",
        "DROP TRIGGER zoo_version",
    ),
    (
        "CREATE PROCEDURE zoo_forget() DELETE FROM zoo_auditline WHERE what = 'never; written'",
        "DROP PROCEDURE zoo_forget",
    ),
)
