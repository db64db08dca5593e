//! Docs of traits in a form in which those of a mirror are equal: no line breaks, link targets or prefixes.

use super::shape::without_prefix;

/// The docs among the attributes, one paragraph per line.
pub fn of(attributes: &[syn::Attribute]) -> String {
    let lines = attributes.iter().filter_map(line);
    let text = lines.map(|line| line.trim().to_owned()).collect::<Vec<_>>().join("\n");
    let paragraphs = text.split("\n\n").map(|paragraph| normal(&paragraph.replace('\n', " ")));
    paragraphs.filter(|paragraph| !paragraph.is_empty()).collect::<Vec<_>>().join("\n")
}

/// What summarises the rest, and says the same on both sides.
pub fn first_paragraph(doc: &str) -> &str {
    doc.lines().next().unwrap_or_default()
}

fn line(attribute: &syn::Attribute) -> Option<String> {
    let syn::Meta::NameValue(pair) = &attribute.meta else { return None };
    let syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) = &pair.value else { return None };
    pair.path.is_ident("doc").then(|| text.value())
}

/// Drops the targets and brackets of links, and `Async` in front of names, and makes spaces single.
fn normal(paragraph: &str) -> String {
    let mut text = String::new();
    let mut rest = paragraph;
    while let Some(start) = rest.find("](") {
        text.push_str(&rest[..=start]);
        rest = rest[start + 2..].split_once(')').map_or("", |(_, after)| after);
    }
    text.push_str(rest);
    let text = text.replace("[`", "`").replace("`]", "`");
    let words = text.split_whitespace().map(|word| word.split('`').map(without_prefix).collect::<Vec<_>>().join("`"));
    words.collect::<Vec<_>>().join(" ")
}
