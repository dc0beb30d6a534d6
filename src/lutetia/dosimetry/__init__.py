"""Activity to absorbed dose: of a region, of a voxel, with its uncertainty."""
