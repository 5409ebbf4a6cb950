"""Landing: event contracts, scrubbing of free text, and the loader that writes schema raw."""
