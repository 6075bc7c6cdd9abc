"""Reports: what PPM knows, written for others to read. Pure: no I/O beyond the files here."""
