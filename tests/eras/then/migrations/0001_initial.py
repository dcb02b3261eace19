from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        migrations.CreateModel(
            "Person",
            [
                ("id", models.BigAutoField(primary_key=True)),
                ("name", models.CharField(max_length=50)),
                ("street", models.CharField(max_length=50)),
                ("city", models.CharField(max_length=50)),
            ],
        ),
        migrations.CreateModel(
            "Book",
            [
                ("id", models.BigAutoField(primary_key=True)),
                ("title", models.CharField(max_length=80)),
                ("pages", models.IntegerField()),
                ("remark", models.TextField(blank=True)),
                ("writer", models.ForeignKey("library.person", models.CASCADE)),
            ],
        ),
    ]
