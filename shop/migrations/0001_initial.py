"""The first tables of the shop."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Customer",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                ("email", models.EmailField(max_length=254, unique=True, verbose_name="e-mail")),
                ("name", models.CharField(max_length=120, verbose_name="name")),
                ("joined", models.DateTimeField(verbose_name="joined")),
                (
                    "status",
                    models.CharField(
                        choices=[("active", "active"), ("dormant", "dormant"), ("blocked", "blocked")],
                        default="active",
                        max_length=10,
                        verbose_name="status",
                    ),
                ),
                ("preferences", models.JSONField(blank=True, default=dict, verbose_name="preferences")),
            ],
            options={
                "verbose_name": "customer",
                "verbose_name_plural": "customers",
                "ordering": ["email"],
            },
        ),
        migrations.CreateModel(
            name="Order",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                ("number", models.CharField(max_length=20, unique=True, verbose_name="number")),
                ("placed", models.DateTimeField(verbose_name="placed")),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("placed", "placed"),
                            ("paid", "paid"),
                            ("shipped", "shipped"),
                            ("returned", "returned"),
                            ("cancelled", "cancelled"),
                        ],
                        default="placed",
                        max_length=10,
                        verbose_name="status",
                    ),
                ),
                ("quantity", models.PositiveIntegerField(verbose_name="quantity")),
                ("amount", models.DecimalField(decimal_places=2, max_digits=10, verbose_name="amount")),
                ("details", models.JSONField(blank=True, default=dict, verbose_name="details")),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="orders",
                        to="shop.customer",
                        verbose_name="customer",
                    ),
                ),
            ],
            options={
                "verbose_name": "order",
                "verbose_name_plural": "orders",
                "ordering": ["-id"],
                "indexes": [
                    models.Index(fields=["customer", "placed"], name="shop_order_customer_placed"),
                    models.Index(fields=["status", "placed"], name="shop_order_status_placed"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("quantity__gt", 0)), name="shop_order_quantity_positive"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("amount__gte", 0)), name="shop_order_amount_not_negative"
                    ),
                ],
            },
        ),
    ]
