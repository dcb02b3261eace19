"""The services: one verb each, called as commands, tasks and the admin call them."""
