//! Records on their way, and places in the log.
