"""A rehearsed failure: steady load on a service, damage in the middle, a report."""
