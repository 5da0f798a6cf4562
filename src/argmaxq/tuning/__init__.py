"""Tuning: values of a recipe that do better, found by trials that train side by side."""
