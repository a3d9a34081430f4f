"""Files in: read whole, checked whole into staging, committed in chunks, nothing dropped and nothing twice."""
