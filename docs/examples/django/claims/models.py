from django.db import models


class Claim(models.Model):
    number = models.IntegerField(primary_key=True)
    amount = models.IntegerField()

    def __str__(self):
        return f"claim {self.number}"
