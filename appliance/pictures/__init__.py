"""The stored pictures: their files, thumbnails, trash and retention."""
