//! Listings of Google Cloud Storage tell generations, but object_store reads only etags.

/// The listing with each object's generation, as bare digits, in the place of its etag. What is not understood stays.
pub(super) fn with_generations(listing: &str) -> String {
    const OBJECT: &str = "<Contents>";
    let mut parts = listing.split(OBJECT);
    let mut rewritten = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        rewritten.push_str(OBJECT);
        match (inside(part, "ETag"), inside(part, "Generation")) {
            (Some((start, end)), Some((from, to))) if part[from..to].bytes().all(|byte| byte.is_ascii_digit()) => {
                for text in [&part[..start], &part[from..to], &part[end..]] {
                    rewritten.push_str(text);
                }
            }
            _ => rewritten.push_str(part),
        }
    }
    rewritten
}

/// Where the text between the first pair of this tag is, within its object.
fn inside(object: &str, tag: &str) -> Option<(usize, usize)> {
    let object = &object[..object.find("</Contents>")?];
    let start = object.find(&format!("<{tag}>"))? + tag.len() + 2;
    let end = start + object[start..].find(&format!("</{tag}>"))?;
    Some((start, end))
}
