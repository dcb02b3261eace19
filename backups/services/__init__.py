"""One verb, one function: what a command, a task or an admin action calls, and nothing else does."""
