"""Wears a table: a column dropped, one renamed, one added late, the key widened, the table renamed."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("zoo", "0001_initial")]

    operations = [
        migrations.RemoveField("OldName", "dropped"),
        migrations.RenameField("OldName", "label", "new_label"),
        migrations.AddField("OldName", "added_in_the_middle", models.IntegerField(default=7)),
        migrations.RenameModel("OldName", "Weathered"),
        migrations.AlterField(
            "Weathered",
            "id",
            models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
        ),
    ]
