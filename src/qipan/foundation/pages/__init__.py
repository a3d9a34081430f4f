"""The patterns of the pages, written once: frame, list, detail, form, import. Rooms describe; this renders."""
