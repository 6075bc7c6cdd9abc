"""Facts: every event PPM writes, their envelope, their bytes and the chain that joins them."""
