"""A running project becomes another: by its file, by an order, by the sources of its services."""
