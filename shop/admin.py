"""The shop in Django's admin."""

from typing import TYPE_CHECKING

from django.contrib import admin

from shop.models import Customer, Order

# Django's ModelAdmin takes a type parameter for the type checker only.
if TYPE_CHECKING:
    CustomerBase = admin.ModelAdmin[Customer]
    OrderBase = admin.ModelAdmin[Order]
else:
    CustomerBase = OrderBase = admin.ModelAdmin


@admin.register(Customer)
class CustomerAdmin(CustomerBase):
    """Find a customer by name or e-mail address."""

    list_display = ["email", "name", "status", "joined"]
    list_filter = ["status"]
    search_fields = ["email", "name"]
    date_hierarchy = "joined"
    show_full_result_count = False


@admin.register(Order)
class OrderAdmin(OrderBase):
    """Find an order by its number or by whose it is."""

    list_display = ["number", "customer", "placed", "status", "quantity", "amount"]
    list_filter = ["status"]
    list_select_related = ["customer"]
    search_fields = ["number", "customer__email", "customer__name"]
    date_hierarchy = "placed"
    # A choice among two hundred thousand customers is not a drop-down list.
    raw_id_fields = ["customer"]
    show_full_result_count = False
