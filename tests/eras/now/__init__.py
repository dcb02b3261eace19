"""The library as it is."""
