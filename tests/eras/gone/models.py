"""Leaves."""

from django.db import models


class Leaf(models.Model):
    colour = models.CharField(max_length=20)
