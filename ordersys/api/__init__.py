"""The HTTP side: where orders come in and are looked at. Opens nothing; everything is passed in."""
