"""A vendor's bill against the usage log: `invoices` reads the vendors' files, `comparison` sets both side by
side. Nothing is written."""
