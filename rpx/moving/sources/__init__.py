"""What files can be moved in from: a module for each tool; `all_sources` is the table of them."""
