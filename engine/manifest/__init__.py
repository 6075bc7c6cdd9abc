"""What people write: manifests, requirements files, scripts."""
