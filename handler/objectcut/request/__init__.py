"""A request: its fields, the names of objects, colours, and how the answer is sent."""
