"""What is asked of a running project, in its own process: verbs, and what comes of them."""
