from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    dependencies = [("library", "0002_price")]
    operations = [
        migrations.CreateModel(
            "Leaf",
            [("id", models.BigAutoField(primary_key=True)), ("colour", models.CharField(max_length=20))],
        )
    ]
