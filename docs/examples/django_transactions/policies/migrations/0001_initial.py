from django.db import migrations, models


class Migration(migrations.Migration):
    operations = [
        migrations.CreateModel(
            name="Policy",
            fields=[
                ("id", models.BigAutoField(primary_key=True)),
                ("number", models.IntegerField(unique=True)),
            ],
        ),
    ]
