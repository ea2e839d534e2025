from django.db import models


class Policy(models.Model):
    """The model of which the events of the service under test speak."""

    holder = models.CharField(max_length=50)

    def __str__(self):
        return self.holder
