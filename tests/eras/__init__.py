"""One project in two states of its code: the shelves of a library then, and now; and an application that went away."""
