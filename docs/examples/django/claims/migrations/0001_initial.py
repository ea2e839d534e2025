from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    operations = [
        migrations.CreateModel(
            name="Claim",
            fields=[
                ("number", models.IntegerField(primary_key=True)),
                ("amount", models.IntegerField()),
            ],
        ),
    ]
