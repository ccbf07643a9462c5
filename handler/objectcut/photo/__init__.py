"""From an encoded photo, or its address, to upright sRGB pixels."""
