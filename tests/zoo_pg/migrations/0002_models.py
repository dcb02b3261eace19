"""Makes the tables of the models."""

import django.contrib.postgres.constraints
import django.contrib.postgres.fields
import django.contrib.postgres.fields.hstore
import django.contrib.postgres.fields.ranges
import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.db.models.constraints
import django.db.models.functions.text
from django.db import migrations, models

import tests.zoo_pg.custom_fields
from tests.zoo_pg.operations import OnlyOn


class Migration(migrations.Migration):
    dependencies = [("zoo_pg", "0001_extensions_and_types")]

    operations = [
        OnlyOn(
            "postgresql",
            [
                migrations.CreateModel(
                    name="Extremes",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("datetime", models.DateTimeField(null=True)),
                        ("date", models.DateField(null=True)),
                        ("time", models.TimeField(null=True)),
                        ("duration", models.DurationField(null=True)),
                        ("decimal", models.DecimalField(decimal_places=4, max_digits=20, null=True)),
                        ("float", models.FloatField(null=True)),
                        ("json", models.JSONField(null=True)),
                    ],
                    options={
                        "required_db_vendor": "postgresql",
                    },
                ),
                migrations.CreateModel(
                    name="MoodKey",
                    fields=[
                        (
                            "mood",
                            tests.zoo_pg.custom_fields.MoodField(max_length=20, primary_key=True, serialize=False),
                        ),
                    ],
                    options={
                        "required_db_vendor": "postgresql",
                    },
                ),
                migrations.CreateModel(
                    name="Store",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("data", django.contrib.postgres.fields.hstore.HStoreField(null=True)),
                    ],
                    options={
                        "required_db_vendor": "postgresql",
                    },
                ),
                migrations.CreateModel(
                    name="Typed",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("mood", tests.zoo_pg.custom_fields.MoodField(max_length=20, null=True)),
                        ("even", tests.zoo_pg.custom_fields.EvenField(null=True)),
                        ("nickname", tests.zoo_pg.custom_fields.CITextField(unique=True)),
                    ],
                    options={
                        "required_db_vendor": "postgresql",
                    },
                ),
                migrations.CreateModel(
                    name="Arrays",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "integers",
                            django.contrib.postgres.fields.ArrayField(
                                base_field=models.IntegerField(null=True), null=True, size=None
                            ),
                        ),
                        (
                            "texts",
                            django.contrib.postgres.fields.ArrayField(
                                base_field=models.CharField(max_length=100), default=list, null=True, size=None
                            ),
                        ),
                        (
                            "nested",
                            django.contrib.postgres.fields.ArrayField(
                                base_field=django.contrib.postgres.fields.ArrayField(
                                    base_field=models.IntegerField(), size=None
                                ),
                                null=True,
                                size=None,
                            ),
                        ),
                        (
                            "dates",
                            django.contrib.postgres.fields.ArrayField(
                                base_field=models.DateField(), null=True, size=None
                            ),
                        ),
                        (
                            "datetimes",
                            django.contrib.postgres.fields.ArrayField(
                                base_field=models.DateTimeField(), null=True, size=None
                            ),
                        ),
                        (
                            "decimals",
                            django.contrib.postgres.fields.ArrayField(
                                base_field=models.DecimalField(decimal_places=15, max_digits=30), null=True, size=None
                            ),
                        ),
                        (
                            "floats",
                            django.contrib.postgres.fields.ArrayField(
                                base_field=models.FloatField(), null=True, size=None
                            ),
                        ),
                        (
                            "booleans",
                            django.contrib.postgres.fields.ArrayField(
                                base_field=models.BooleanField(null=True), null=True, size=None
                            ),
                        ),
                        (
                            "uuids",
                            django.contrib.postgres.fields.ArrayField(
                                base_field=models.UUIDField(), null=True, size=None
                            ),
                        ),
                        (
                            "jsons",
                            django.contrib.postgres.fields.ArrayField(
                                base_field=models.JSONField(), null=True, size=None
                            ),
                        ),
                        (
                            "binaries",
                            django.contrib.postgres.fields.ArrayField(
                                base_field=models.BinaryField(), null=True, size=None
                            ),
                        ),
                        (
                            "sized",
                            django.contrib.postgres.fields.ArrayField(
                                base_field=models.SmallIntegerField(), null=True, size=3
                            ),
                        ),
                        (
                            "moods",
                            django.contrib.postgres.fields.ArrayField(
                                base_field=tests.zoo_pg.custom_fields.MoodField(max_length=20), null=True, size=None
                            ),
                        ),
                    ],
                    options={
                        "required_db_vendor": "postgresql",
                        "indexes": [
                            django.contrib.postgres.indexes.GinIndex(fields=["texts"], name="zoo_pg_arrays_texts")
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Booking",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("room", models.IntegerField()),
                        ("during", django.contrib.postgres.fields.ranges.DateTimeRangeField()),
                        ("cancelled", models.BooleanField(default=False)),
                    ],
                    options={
                        "required_db_vendor": "postgresql",
                        "constraints": [
                            django.contrib.postgres.constraints.ExclusionConstraint(
                                condition=models.Q(("cancelled", False)),
                                deferrable=django.db.models.constraints.Deferrable["DEFERRED"],
                                expressions=[("room", "="), ("during", "&&")],
                                name="zoo_pg_no_overlap",
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="IndexedPg",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("name", models.CharField(max_length=100)),
                        ("number", models.IntegerField()),
                        ("data", models.JSONField(default=dict)),
                        ("address", models.GenericIPAddressField(null=True)),
                    ],
                    options={
                        "required_db_vendor": "postgresql",
                        "indexes": [
                            django.contrib.postgres.indexes.BrinIndex(
                                fields=["number"], name="zoo_pg_brin", pages_per_range=4
                            ),
                            django.contrib.postgres.indexes.HashIndex(
                                fields=["name"], fillfactor=70, name="zoo_pg_hash"
                            ),
                            django.contrib.postgres.indexes.SpGistIndex(
                                django.contrib.postgres.indexes.OpClass("address", name="inet_ops"),
                                name="zoo_pg_spgist",
                            ),
                            django.contrib.postgres.indexes.GinIndex(
                                fields=["data"], name="zoo_pg_gin_path", opclasses=["jsonb_path_ops"]
                            ),
                            django.contrib.postgres.indexes.GinIndex(
                                django.contrib.postgres.indexes.OpClass(
                                    django.db.models.functions.text.Lower("name"), name="gin_trgm_ops"
                                ),
                                name="zoo_pg_trigrams",
                            ),
                            models.Index(fields=["name"], name="zoo_pg_pattern", opclasses=["text_pattern_ops"]),
                            models.Index(
                                django.db.models.functions.text.Lower("name"),
                                models.OrderBy(models.F("number"), descending=True, nulls_last=True),
                                condition=models.Q(("number__gt", 0)),
                                include=("data",),
                                name="zoo_pg_all_at_once",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Ranges",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("integers", django.contrib.postgres.fields.ranges.IntegerRangeField(null=True)),
                        ("big_integers", django.contrib.postgres.fields.ranges.BigIntegerRangeField(null=True)),
                        ("decimals", django.contrib.postgres.fields.ranges.DecimalRangeField(null=True)),
                        ("datetimes", django.contrib.postgres.fields.ranges.DateTimeRangeField(null=True)),
                        ("dates", django.contrib.postgres.fields.ranges.DateRangeField(null=True)),
                    ],
                    options={
                        "required_db_vendor": "postgresql",
                        "indexes": [
                            django.contrib.postgres.indexes.GistIndex(
                                fields=["integers"], name="zoo_pg_ranges_integers"
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Searched",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("title", models.CharField(max_length=100)),
                        ("written", django.contrib.postgres.search.SearchVectorField(null=True)),
                        (
                            "computed",
                            models.GeneratedField(
                                db_persist=True,
                                expression=django.contrib.postgres.search.SearchVector("title", config="english"),
                                output_field=django.contrib.postgres.search.SearchVectorField(),
                            ),
                        ),
                    ],
                    options={
                        "required_db_vendor": "postgresql",
                        "indexes": [
                            django.contrib.postgres.indexes.GinIndex(fields=["written"], name="zoo_pg_written"),
                            django.contrib.postgres.indexes.GinIndex(models.F("computed"), name="zoo_pg_computed"),
                        ],
                    },
                ),
            ],
        ),
    ]
