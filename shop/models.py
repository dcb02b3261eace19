"""What the shop keeps: customers, and the orders that they placed."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Customer(models.Model):
    """A person who has an account; the e-mail address is how they sign in."""

    class Status(models.TextChoices):
        """What a customer may do."""

        ACTIVE = "active", _("active")
        DORMANT = "dormant", _("dormant")
        BLOCKED = "blocked", _("blocked")

    email = models.EmailField(_("e-mail"), unique=True)
    name = models.CharField(_("name"), max_length=120)
    joined = models.DateTimeField(_("joined"))
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.ACTIVE)
    preferences = models.JSONField(_("preferences"), default=dict, blank=True)

    class Meta:
        verbose_name = _("customer")
        verbose_name_plural = _("customers")
        ordering = ["email"]

    def __str__(self) -> str:
        return f"{self.name} <{self.email}>"


class Order(models.Model):
    """One purchase: how many discs, and what they cost together in dollars.

    `details["lines"]` names the discs; their quantities add up to `quantity`.
    """

    class Status(models.TextChoices):
        """How far an order has come."""

        PLACED = "placed", _("placed")
        PAID = "paid", _("paid")
        SHIPPED = "shipped", _("shipped")
        RETURNED = "returned", _("returned")
        CANCELLED = "cancelled", _("cancelled")

    number = models.CharField(_("number"), max_length=20, unique=True)
    customer = models.ForeignKey(Customer, verbose_name=_("customer"), on_delete=models.PROTECT, related_name="orders")
    placed = models.DateTimeField(_("placed"))
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.PLACED)
    quantity = models.PositiveIntegerField(_("quantity"))
    amount = models.DecimalField(_("amount"), max_digits=10, decimal_places=2)
    details = models.JSONField(_("details"), default=dict, blank=True)

    class Meta:
        verbose_name = _("order")
        verbose_name_plural = _("orders")
        # The newest first, by the primary key: a million orders are not sorted for one page.
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["customer", "placed"], name="shop_order_customer_placed"),
            models.Index(fields=["status", "placed"], name="shop_order_status_placed"),
        ]
        constraints = [
            models.CheckConstraint(condition=models.Q(quantity__gt=0), name="shop_order_quantity_positive"),
            models.CheckConstraint(condition=models.Q(amount__gte=0), name="shop_order_amount_not_negative"),
        ]

    def __str__(self) -> str:
        return self.number
