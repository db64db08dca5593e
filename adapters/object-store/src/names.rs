//! Names in the XML of listings, as the reader that object_store uses would not leave them.

/// The listing with each line separator U+2028 as a character reference. XML 1.1 takes the bare character for the end of
/// a line, and so a name that holds one would come out with a line feed instead.
pub(crate) fn with_separators(listing: &str) -> String {
    listing.replace('\u{2028}', "&#x2028;")
}
