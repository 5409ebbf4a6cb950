"""Landing: event contracts, files of every format, the loader, and the folder that is watched."""
