"""Orders in, snapshots out."""
