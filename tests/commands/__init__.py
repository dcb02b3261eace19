"""The commands, as an operator meets them: processes of manage.py, their streams and their exit status."""
