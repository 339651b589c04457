"""The local authority, the certificates that it issues, and who trusts it."""
