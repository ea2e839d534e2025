from django.db import models


class Policy(models.Model):
    number = models.IntegerField(unique=True)

    def __str__(self):
        return f"policy {self.number}"
