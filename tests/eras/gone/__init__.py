"""An application that the project no longer has."""
