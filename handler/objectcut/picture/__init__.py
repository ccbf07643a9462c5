"""From alpha and photo to the finished picture and its file."""
