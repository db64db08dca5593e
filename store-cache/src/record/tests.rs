//! Payloads, and hostile bytes in their place.
