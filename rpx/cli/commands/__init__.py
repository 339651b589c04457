"""The commands: a module for each, named like it. Imported when the command is used."""
