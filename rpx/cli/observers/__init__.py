"""What looks at a running project from within and says, or shows, what happens there."""
