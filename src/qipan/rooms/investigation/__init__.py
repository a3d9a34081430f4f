"""Line lists, contacts, chains."""
