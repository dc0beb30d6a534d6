"""Where the energy goes: electron and photon kernels, alpha tracks, photon Monte Carlo, materials, spheres and voxels."""
