"""What people see: tables, lines that wait, pictures, colours, and all that has to fit."""
