from django.db import models


class Policy(models.Model):
    """What the events of the service under test speak of."""

    holder = models.CharField(max_length=50)

    def __str__(self):
        return self.holder
