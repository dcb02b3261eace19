"""People with their address in them, and books."""

from django.db import models


class Person(models.Model):
    name = models.CharField(max_length=50)
    street = models.CharField(max_length=50)
    city = models.CharField(max_length=50)


class Book(models.Model):
    title = models.CharField(max_length=80)
    pages = models.IntegerField()
    remark = models.TextField(blank=True)
    price = models.DecimalField(max_digits=8, decimal_places=2, default=1)
    writer = models.ForeignKey(Person, models.CASCADE)
