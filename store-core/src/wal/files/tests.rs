//! The log in files: what is there after it was written, damaged, mended.


