"""Sources: files of many formats in, one record type out; nothing that cannot be read vanishes."""
