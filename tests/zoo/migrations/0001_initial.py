"""The zoo as it began."""

import uuid

import django.core.serializers.json
import django.db.models.constraints
import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.datetime
import django.db.models.functions.text
from django.db import migrations, models

import tests.zoo.custom_fields


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [
        migrations.CreateModel(
            name="TreeRoot",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100)),
            ],
            options={
                "db_table": "zoo_tree_roots",
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="AllFields",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("big_integer", models.BigIntegerField(null=True)),
                ("integer", models.IntegerField(null=True)),
                ("small_integer", models.SmallIntegerField(null=True)),
                ("positive_big_integer", models.PositiveBigIntegerField(null=True)),
                ("positive_integer", models.PositiveIntegerField(null=True)),
                ("positive_small_integer", models.PositiveSmallIntegerField(null=True)),
                ("boolean", models.BooleanField(null=True)),
                ("char", models.CharField(max_length=255, null=True)),
                ("choice", models.CharField(choices=[("a", "Aft"), ("f", "Fore")], max_length=1, null=True)),
                ("text", models.TextField(null=True)),
                ("slug", models.SlugField(allow_unicode=True, max_length=100, null=True)),
                ("email", models.EmailField(max_length=254, null=True)),
                ("url", models.URLField(max_length=500, null=True)),
                ("date", models.DateField(null=True)),
                ("datetime", models.DateTimeField(null=True)),
                ("time", models.TimeField(null=True)),
                ("duration", models.DurationField(null=True)),
                ("decimal_money", models.DecimalField(decimal_places=2, max_digits=10, null=True)),
                ("decimal_fine", models.DecimalField(decimal_places=15, max_digits=30, null=True)),
                ("decimal_whole", models.DecimalField(decimal_places=0, max_digits=20, null=True)),
                ("decimal_fraction", models.DecimalField(decimal_places=9, max_digits=9, null=True)),
                ("float", models.FloatField(null=True)),
                ("binary", models.BinaryField(null=True)),
                ("uuid", models.UUIDField(null=True)),
                ("json", models.JSONField(null=True)),
                ("json_encoded", models.JSONField(encoder=django.core.serializers.json.DjangoJSONEncoder, null=True)),
                ("ip", models.GenericIPAddressField(null=True)),
                ("ipv4", models.GenericIPAddressField(null=True, protocol="ipv4")),
                ("file_path", models.FilePathField(max_length=200, null=True, path="files")),
                ("file", models.FileField(max_length=200, null=True, upload_to="files/%Y")),
            ],
        ),
        migrations.CreateModel(
            name="AnalyticsEvent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100)),
                ("at", models.DateTimeField()),
                ("payload", models.JSONField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="Animal",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100)),
            ],
        ),
        migrations.CreateModel(
            name="AuditLine",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("traced_id", models.BigIntegerField()),
                ("what", models.CharField(max_length=200)),
            ],
        ),
        migrations.CreateModel(
            name="AutoKey",
            fields=[
                ("id", models.AutoField(primary_key=True, serialize=False)),
                ("label", models.CharField(max_length=100)),
            ],
        ),
        migrations.CreateModel(
            name="BigAutoKey",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("label", models.CharField(max_length=100)),
            ],
        ),
        migrations.CreateModel(
            name="Book",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("title", models.CharField(max_length=200)),
            ],
        ),
        migrations.CreateModel(
            name="CharKey",
            fields=[
                ("name", models.CharField(max_length=200, primary_key=True, serialize=False)),
                ("label", models.CharField(default="", max_length=100)),
            ],
        ),
        migrations.CreateModel(
            name="Chicken",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100)),
            ],
        ),
        migrations.CreateModel(
            name="Collated",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "name",
                    tests.zoo.custom_fields.CollatedCharField(
                        collations={"mysql": "utf8mb4_german2_ci", "postgresql": "POSIX", "sqlite": "NOCASE"},
                        max_length=100,
                        unique=True,
                    ),
                ),
                (
                    "exact",
                    tests.zoo.custom_fields.CollatedCharField(
                        collations={"mysql": "utf8mb4_bin", "postgresql": "C", "sqlite": "RTRIM"},
                        default="",
                        max_length=100,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Commented",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("plain", models.IntegerField(db_comment="How many.")),
                ("odd", models.CharField(db_comment='It\'s "odd": \\ `x` ü 🛟;\nsecond line', max_length=50)),
            ],
            options={
                "db_table_comment": 'The table\'s "comment"; with a semicolon',
            },
        ),
        migrations.CreateModel(
            name="DatabaseDefaults",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.IntegerField(db_default=7, null=True)),
                ("text", models.CharField(db_default='it\'s \\ "quoted"', max_length=50, null=True)),
                ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), null=True)),
                ("flag", models.BooleanField(db_default=True, null=True)),
                ("amount", models.DecimalField(db_default="1.500", decimal_places=3, max_digits=6, null=True)),
                ("touched", models.DateTimeField(auto_now=True)),
                ("made", models.DateField(auto_now_add=True)),
            ],
        ),
        migrations.CreateModel(
            name="DateKey",
            fields=[
                ("at", models.DateTimeField(primary_key=True, serialize=False)),
                ("label", models.CharField(default="", max_length=100)),
            ],
        ),
        migrations.CreateModel(
            name="DecimalKey",
            fields=[
                ("amount", models.DecimalField(decimal_places=4, max_digits=12, primary_key=True, serialize=False)),
            ],
        ),
        migrations.CreateModel(
            name="Encrypted",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("secret", tests.zoo.custom_fields.EncryptedTextField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="Generated",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("price", models.DecimalField(decimal_places=2, max_digits=10)),
                (
                    "total",
                    models.GeneratedField(
                        db_persist=True,
                        expression=django.db.models.expressions.CombinedExpression(
                            models.F("price"), "*", models.F("quantity")
                        ),
                        output_field=models.DecimalField(decimal_places=2, max_digits=14),
                    ),
                ),
                ("quantity", models.IntegerField()),
                ("name", models.CharField(max_length=50)),
                (
                    "lowered",
                    models.GeneratedField(
                        db_persist=True,
                        expression=django.db.models.functions.text.Lower("name"),
                        output_field=models.CharField(max_length=50),
                        unique=True,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="HighWater",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("label", models.CharField(max_length=100)),
            ],
        ),
        migrations.CreateModel(
            name="LongNames",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("a_column_whose_name_is_as_long_as_every_engine_can_hold_63_char", models.IntegerField(null=True)),
                (
                    "another_column_with_an_index_whose_name_has_to_be_cut_somewhere",
                    models.CharField(db_index=True, default="", max_length=50),
                ),
            ],
            options={
                "db_table": "zoo_a_table_whose_name_is_as_long_as_every_engine_can_hold_63xx",
            },
        ),
        migrations.CreateModel(
            name="Snowflake",
            fields=[
                ("id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("label", models.CharField(max_length=100)),
            ],
        ),
        migrations.CreateModel(
            name="Seat",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "hall", "row", "number", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("number", models.IntegerField()),
                ("label", models.CharField(default="", max_length=100)),
                ("row", models.CharField(max_length=10)),
                ("hall", models.UUIDField()),
            ],
        ),
        migrations.CreateModel(
            name="SmallAutoKey",
            fields=[
                ("id", models.SmallAutoField(primary_key=True, serialize=False)),
                ("label", models.CharField(max_length=100)),
            ],
        ),
        migrations.CreateModel(
            name="SoftDeleted",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100)),
                ("deleted_at", models.DateTimeField(null=True)),
            ],
            options={
                "base_manager_name": "objects",
                "default_manager_name": "objects",
            },
        ),
        migrations.CreateModel(
            name="Starter",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.CharField(max_length=50, unique=True)),
                ("value", models.TextField()),
            ],
        ),
        migrations.CreateModel(
            name="Tag",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=50, unique=True)),
            ],
        ),
        migrations.CreateModel(
            name="Traced",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100)),
                ("version", models.IntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name="UuidKey",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ("label", models.CharField(max_length=100)),
            ],
        ),
        migrations.CreateModel(
            name="OldName",
            fields=[
                ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("first", models.CharField(max_length=50)),
                ("label", models.CharField(db_index=True, max_length=50)),
                ("dropped", models.TextField(default="")),
                ("last", models.CharField(default="", max_length=50)),
            ],
        ),
        migrations.CreateModel(
            name="Mammal",
            fields=[
                (
                    "as_animal",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        parent_link=True,
                        primary_key=True,
                        serialize=False,
                        to="zoo.animal",
                    ),
                ),
                ("legs", models.SmallIntegerField(default=4)),
            ],
            bases=("zoo.animal",),
        ),
        migrations.CreateModel(
            name="Authorship",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("role", models.CharField(max_length=50)),
                ("share", models.DecimalField(decimal_places=4, max_digits=5, null=True)),
                ("book", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="zoo.book")),
            ],
        ),
        migrations.CreateModel(
            name="SlugKey",
            fields=[
                (
                    "slug",
                    models.OneToOneField(
                        db_column="the slug",
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        serialize=False,
                        to="zoo.charkey",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Constrained",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("unit", models.CharField(max_length=10)),
                ("low", models.IntegerField()),
                ("high", models.IntegerField()),
                ("name", models.CharField(max_length=50)),
                ("code", models.CharField(max_length=20, null=True)),
                ("active", models.BooleanField(default=True)),
                ("rank", models.IntegerField(null=True)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("unit__in", ["kg", "lb", "it's"])), name="zoo_unit_known"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("low__lt", models.F("high")), models.Q(("high", 0), ("low", 0)), _connector="OR"
                        ),
                        name="zoo_low_high",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("name__startswith", "100%"), _negated=True), name="zoo_no_percent"
                    ),
                    models.UniqueConstraint(fields=("low", "high"), name="zoo_low_high_unique"),
                    models.UniqueConstraint(
                        condition=models.Q(("active", True)), fields=("name",), name="zoo_one_active_name"
                    ),
                    models.UniqueConstraint(fields=("code",), name="zoo_code_one_null", nulls_distinct=False),
                    models.UniqueConstraint(
                        django.db.models.functions.text.Lower("code"), models.F("unit"), name="zoo_code_lowered"
                    ),
                    models.UniqueConstraint(
                        deferrable=django.db.models.constraints.Deferrable["DEFERRED"],
                        fields=("rank",),
                        name="zoo_rank_deferred",
                    ),
                ],
                "unique_together": {("unit", "name")},
            },
        ),
        migrations.CreateModel(
            name="Egg",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "laid_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="laid", to="zoo.chicken"
                    ),
                ),
                ("twin", models.OneToOneField(null=True, on_delete=django.db.models.deletion.SET_NULL, to="zoo.egg")),
            ],
        ),
        migrations.AddField(
            model_name="chicken",
            name="hatched_from",
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="hatched", to="zoo.egg"),
        ),
        migrations.CreateModel(
            name="Indexed",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("first", models.CharField(db_index=True, max_length=50)),
                ("second", models.CharField(max_length=50)),
                ("number", models.IntegerField(null=True)),
            ],
            options={
                "indexes": [
                    models.Index(fields=["second", "-number"], name="zoo_second_number_desc"),
                    models.Index(
                        django.db.models.functions.text.Upper("first"),
                        models.OrderBy(models.F("number"), descending=True),
                        name="zoo_first_upper",
                    ),
                    models.Index(condition=models.Q(("number__gt", 10)), fields=["number"], name="zoo_number_large"),
                    models.Index(fields=["second"], include=("first",), name="zoo_second_with_first"),
                ],
            },
        ),
        migrations.CreateModel(
            name="OneToOneKey",
            fields=[
                (
                    "snowflake",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        serialize=False,
                        to="zoo.snowflake",
                    ),
                ),
                ("label", models.CharField(default="", max_length=100)),
            ],
        ),
        migrations.CreateModel(
            name="Person",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100)),
                ("follows", models.ManyToManyField(related_name="followers", to="zoo.person")),
                ("friends", models.ManyToManyField(to="zoo.person")),
            ],
        ),
        migrations.AddField(
            model_name="book",
            name="authors",
            field=models.ManyToManyField(through="zoo.Authorship", to="zoo.person"),
        ),
        migrations.AddField(
            model_name="authorship",
            name="person",
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="zoo.person"),
        ),
        migrations.CreateModel(
            name="Reading",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "sensor", "taken_at", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("taken_at", models.DateTimeField()),
                ("value", models.FloatField(null=True)),
                ("sensor", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="zoo.snowflake")),
            ],
        ),
        migrations.CreateModel(
            name="Reserved",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("order", models.IntegerField(db_column="order", null=True)),
                ("group_by", models.CharField(db_column="group by", default="", max_length=50)),
                ("where", models.TextField(db_column="WHERE", null=True)),
                ("column", models.IntegerField(db_column="Column", null=True)),
                ("fields", models.CharField(db_column="fields", default="", max_length=50)),
                ("model", models.CharField(db_column="model", default="", max_length=50)),
                ("exact", models.CharField(db_column="exact", default="", max_length=50)),
                ("umlaut", models.CharField(db_column="größe", default="", max_length=50)),
                (
                    "next",
                    models.ForeignKey(
                        db_column="references",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        to="zoo.reserved",
                    ),
                ),
            ],
            options={
                "db_table": "select",
            },
        ),
        migrations.CreateModel(
            name="Shelf",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100)),
                (
                    "favourite",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="favoured",
                        to="zoo.softdeleted",
                    ),
                ),
                ("items", models.ManyToManyField(to="zoo.softdeleted")),
            ],
        ),
        migrations.AddField(
            model_name="book",
            name="tags",
            field=models.ManyToManyField(to="zoo.tag"),
        ),
        migrations.CreateModel(
            name="Tree",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100)),
                (
                    "parent",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="children",
                        to="zoo.tree",
                    ),
                ),
            ],
            options={
                "ordering": ["-name"],
            },
        ),
        migrations.CreateModel(
            name="KeyHolder",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("auto", models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, to="zoo.autokey")),
                (
                    "big_auto",
                    models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, to="zoo.bigautokey"),
                ),
                (
                    "char",
                    models.ForeignKey(
                        default=None, null=True, on_delete=django.db.models.deletion.SET_DEFAULT, to="zoo.charkey"
                    ),
                ),
                ("date", models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, to="zoo.datekey")),
                (
                    "decimal",
                    models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, to="zoo.decimalkey"),
                ),
                (
                    "snowflake",
                    models.ForeignKey(null=True, on_delete=django.db.models.deletion.DO_NOTHING, to="zoo.snowflake"),
                ),
                (
                    "unenforced",
                    models.ForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="unenforced",
                        to="zoo.snowflake",
                    ),
                ),
                (
                    "small_auto",
                    models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, to="zoo.smallautokey"),
                ),
                (
                    "tag",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.CASCADE, to="zoo.tag", to_field="name"
                    ),
                ),
                ("uuid", models.ForeignKey(null=True, on_delete=django.db.models.deletion.RESTRICT, to="zoo.uuidkey")),
            ],
        ),
        migrations.AddField(
            model_name="book",
            name="shelved_with",
            field=models.ManyToManyField(db_table="zoo group by", to="zoo.uuidkey"),
        ),
        migrations.CreateModel(
            name="Note",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("object_id", models.CharField(max_length=100)),
                ("body", models.TextField()),
                (
                    "content_type",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="contenttypes.contenttype"),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["content_type", "object_id"], name="zoo_note_target")],
            },
        ),
        migrations.CreateModel(
            name="Cat",
            fields=[
                (
                    "mammal_ptr",
                    models.OneToOneField(
                        auto_created=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        parent_link=True,
                        primary_key=True,
                        serialize=False,
                        to="zoo.mammal",
                    ),
                ),
                ("lives", models.SmallIntegerField(default=9)),
                ("enemies", models.ManyToManyField(to="zoo.cat")),
            ],
            bases=("zoo.mammal",),
        ),
        migrations.CreateModel(
            name="LoudCat",
            fields=[],
            options={
                "proxy": True,
                "indexes": [],
                "constraints": [],
            },
            bases=("zoo.cat",),
        ),
        migrations.CreateModel(
            name="Chapter",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("title", models.CharField(max_length=100)),
                ("book", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="zoo.book")),
            ],
            options={
                "order_with_respect_to": "book",
            },
        ),
    ]
