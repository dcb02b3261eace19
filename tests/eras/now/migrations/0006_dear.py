from django.db import connections, migrations, models


def mark(apps, schema_editor):
    """Forgets to say which database it means, as many do; and cannot bear a book that costs less than nothing."""
    books = apps.get_model("library", "Book").objects
    if "other" in connections:
        books.using("other").count()
    if books.filter(price__lt=0).exists():
        raise ValueError("A book costs less than nothing.")
    books.filter(price__gt=10).update(dear=True)


class Migration(migrations.Migration):
    dependencies = [("library", "0005_address_alone")]
    operations = [
        migrations.AddField("book", "dear", models.BooleanField(default=False)),
        migrations.RunPython(mark, migrations.RunPython.noop),
    ]
