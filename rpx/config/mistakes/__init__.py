"""What is wrong with a file, in words: whose setting it is, and what was meant."""
