from django.db import migrations, models


def split(apps, schema_editor):
    using = schema_editor.connection.alias
    people, addresses = (apps.get_model("library", name).objects.using(using) for name in ("Person", "Address"))
    for person in people.all():
        addresses.create(person=person, street=person.street, city=person.city)


class Migration(migrations.Migration):
    dependencies = [("library", "0003_fields")]
    operations = [
        migrations.CreateModel(
            "Address",
            [
                ("id", models.BigAutoField(primary_key=True)),
                ("person", models.OneToOneField("library.person", models.CASCADE)),
                ("street", models.CharField(max_length=50)),
                ("city", models.CharField(max_length=50)),
            ],
        ),
        migrations.RunPython(split, migrations.RunPython.noop),
    ]
