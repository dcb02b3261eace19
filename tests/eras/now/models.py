"""People, their addresses apart from them, and books."""

from django.db import models


class Person(models.Model):
    name = models.CharField(max_length=50)
    born = models.DateField(null=True)


class Address(models.Model):
    person = models.OneToOneField(Person, models.CASCADE)
    street = models.CharField(max_length=50)
    city = models.CharField(max_length=50)


class Book(models.Model):
    title = models.CharField(max_length=80)
    length = models.IntegerField()
    price = models.DecimalField(max_digits=8, decimal_places=2, default=1)
    writer = models.ForeignKey(Person, models.CASCADE)
    dear = models.BooleanField(default=False)
