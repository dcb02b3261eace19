"""Wide rows on PostgreSQL: texts of 64 KB and binaries of 1 MB."""

from __future__ import annotations

import random
from typing import ClassVar

import psycopg

from benchmarks.lifeboat import BACK_UP
from benchmarks.places import PREFIX, Place, PostgreSQL
from benchmarks.scenarios.against import Against
from benchmarks.scenarios.base import Comparison

_TEXT, _BINARY = 64 * 1024, 1024 * 1024
_WORDS = 4_000


class WideRows(Against):
    """Half of the data is prose of made-up words, half bytes that do not compress."""

    name: ClassVar[str] = "wide-postgresql"
    title: ClassVar[str] = "wide rows on PostgreSQL"
    place_type: ClassVar[type[Place]] = PostgreSQL
    source: ClassVar[str] = f"{PREFIX}_wide"

    def prepare(self) -> None:
        self.place.recreate(self.source)
        self.place.run(
            self.source,
            [
                "CREATE TABLE wide_text (id bigint PRIMARY KEY, body text NOT NULL)",
                "CREATE TABLE wide_binary (id bigint PRIMARY KEY, body bytea NOT NULL)",
            ],
        )
        half = self.sizes.wide_megabytes * 1024 * 1024 // 2
        chance = random.Random(0)
        words = [
            "".join(chance.choices("abcdefghijklmnopqrstuvwxyzäöüß", k=chance.randint(2, 12))) for _ in range(_WORDS)
        ]
        with psycopg.connect(self.place.url(self.source)) as connection, connection.cursor() as cursor:
            for number in range(half // _TEXT):
                prose = " ".join(chance.choices(words, k=_TEXT // 8))[:_TEXT]
                cursor.execute("INSERT INTO wide_text VALUES (%s, %s)", (number, prose))
            for number in range(half // _BINARY):
                cursor.execute("INSERT INTO wide_binary VALUES (%s, %s)", (number, chance.randbytes(_BINARY)))
        self.place.settle(self.source)

    def comparisons(self) -> list[Comparison]:
        stored = Comparison("stored bytes of a full backup", BACK_UP, self.rivals[0].name, measure="stored")
        return [*self.compared(None, None), stored]
