"""A small shop: customers and what they bought."""
