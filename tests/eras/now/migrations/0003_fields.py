from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("library", "0001_squashed_0002_price")]
    operations = [
        migrations.AddField("person", "born", models.DateField(null=True)),
        migrations.RemoveField("book", "remark"),
        migrations.RenameField("book", "pages", "length"),
    ]
