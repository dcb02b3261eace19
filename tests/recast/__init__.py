"""Tests of how a backup comes to another engine."""
