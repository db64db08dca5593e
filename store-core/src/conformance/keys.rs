//! Hostile names, kept as data: those that a store must keep as they are, and those that are no keys.

/// Legal names that lie side by side in one folder.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Section {
    /// What they have in common.
    pub name: String,
    /// The names.
    pub keys: Vec<String>,
}

/// Names that every store must keep, list and delete byte for byte.
pub fn legal() -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    for line in include_str!("keys/legal.txt").lines() {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            sections.push(Section { name: name.to_owned(), keys: Vec::new() });
        } else if let (Some(section), Some(key)) = (sections.last_mut(), unquoted(line)) {
            section.keys.push(key);
        }
    }
    sections
}

/// Texts that are refused as keys, before any store sees them.
pub fn illegal() -> Vec<String> {
    include_str!("keys/illegal.txt").lines().filter_map(unquoted).collect()
}

/// The text of a line that is quoted; none for comments and empty lines.
fn unquoted(line: &str) -> Option<String> {
    let mut rest = line.strip_prefix('"')?.strip_suffix('"')?;
    let mut text = String::new();
    while let Some((plain, escape)) = rest.split_once('\\') {
        text.push_str(plain);
        rest = match escape.strip_prefix("u{").and_then(|escape| escape.split_once('}')) {
            Some((code, rest)) => {
                text.push(u32::from_str_radix(code, 16).ok().and_then(char::from_u32)?);
                rest
            }
            None => {
                let escaped = escape.chars().next()?;
                text.push(escaped);
                &escape[escaped.len_utf8()..]
            }
        };
    }
    text.push_str(rest);
    Some(text)
}

#[cfg(test)]
mod tests;
