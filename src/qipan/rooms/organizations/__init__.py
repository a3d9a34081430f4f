"""Units, task forces, memberships, duty; who an actor is."""
