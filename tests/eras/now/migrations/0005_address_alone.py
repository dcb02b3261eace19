from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("library", "0004_address")]
    operations = [migrations.RemoveField("person", "street"), migrations.RemoveField("person", "city")]
