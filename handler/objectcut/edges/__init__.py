"""From coarse masks to alpha along the photo, and the object's own colours there."""
