//! The shape of a trait: what of it has a mirror, with the prefix `Async` of names taken away.

use proc_macro2::{Span, TokenStream, TokenTree};
use syn::spanned::Spanned;

use super::doc;

const PREFIX: &str = "Async";

/// A trait.
#[derive(Debug)]
pub struct Shape {
    /// As written.
    pub name: String,
    /// Where it is, from 1.
    pub line: usize,
    /// Generics and supertraits.
    pub bounds: String,
    /// Its docs, one paragraph per line.
    pub doc: String,
    /// Associated types and constants.
    pub others: String,
    /// In their order.
    pub methods: Vec<Method>,
}

/// A method of a trait, or of a type.
#[derive(Debug)]
pub struct Method {
    /// As written.
    pub name: String,
    /// Where it is, from 1.
    pub line: usize,
    /// Name, generics, arguments with names and types, and result; without `async` and `Async`.
    pub signature: String,
    /// The signature as the author wrote it, in one line.
    pub written: String,
    /// Its docs, one paragraph per line.
    pub doc: String,
    /// Whether it is an `async fn`.
    pub is_async: bool,
    /// Whether its result is a `Result`.
    pub gives_result: bool,
    /// Whether the trait has a body for it.
    pub has_body: bool,
}

impl Method {
    /// Whether its docs say that it does no I/O, or none before somebody asks what it returns.
    pub fn says_no_io(&self) -> bool {
        self.doc.contains("No I/O")
    }
}

impl Shape {
    /// The name of the sync trait, if this is an async one.
    pub fn mirrored_name(&self) -> Option<&str> {
        self.name.strip_prefix(PREFIX).filter(|rest| !rest.is_empty())
    }

    /// The names of the methods as they follow each other.
    pub fn order(&self) -> String {
        order(self.methods.iter())
    }
}

/// A public method of a type, with the type's name.
pub type Inherent = (String, Method);

/// The public methods of a file that belong to types and to no trait. Of a file that cannot be parsed there are none.
pub fn public_methods(text: &str) -> Vec<Inherent> {
    let items = syn::parse_file(text).map(|file| file.items).unwrap_or_default();
    let mut methods = Vec::new();
    for item in items {
        let syn::Item::Impl(item) = item else { continue };
        let syn::Type::Path(path) = &*item.self_ty else { continue };
        let (None, Some(name)) = (&item.trait_, path.path.segments.last()) else { continue };
        for inner in &item.items {
            match inner {
                syn::ImplItem::Fn(method) if matches!(method.vis, syn::Visibility::Public(_)) => {
                    methods.push((name.ident.to_string(), of_signature(&method.sig, &method.attrs, false)));
                }
                _ => {}
            }
        }
    }
    methods
}

/// The names of methods as they follow each other.
pub fn order<'a>(methods: impl Iterator<Item = &'a Method>) -> String {
    methods.map(|method| method.name.as_str()).collect::<Vec<_>>().join(", ")
}

/// The public traits of a file. A file that cannot be parsed has none; the check of sizes tells.
pub fn public_traits(text: &str) -> Vec<Shape> {
    let items = syn::parse_file(text).map(|file| file.items).unwrap_or_default();
    items.iter().filter_map(|item| if let syn::Item::Trait(item) = item { of_trait(item) } else { None }).collect()
}

fn of_trait(item: &syn::ItemTrait) -> Option<Shape> {
    if !matches!(item.vis, syn::Visibility::Public(_)) {
        return None;
    }
    let mut others = Vec::new();
    let mut methods = Vec::new();
    for inner in &item.items {
        match inner {
            syn::TraitItem::Fn(method) => {
                methods.push(of_signature(&method.sig, &method.attrs, method.default.is_some()));
            }
            other => others.push(normal(other.span())),
        }
    }
    Some(Shape {
        name: item.ident.to_string(),
        line: item.ident.span().start().line,
        bounds: format!("{} : {}", normal(item.generics.span()), normal(item.supertraits.span())),
        doc: doc::of(&item.attrs),
        others: others.join("; "),
        methods,
    })
}

fn of_signature(signature: &syn::Signature, attributes: &[syn::Attribute], has_body: bool) -> Method {
    let result = match &signature.output {
        syn::ReturnType::Type(_, kind) => normal(kind.span()),
        syn::ReturnType::Default => String::new(),
    };
    Method {
        name: signature.ident.to_string(),
        line: signature.ident.span().start().line,
        signature: normal(signature.span()),
        written: source(signature.span()).split_whitespace().collect::<Vec<_>>().join(" "),
        doc: doc::of(attributes),
        is_async: signature.asyncness.is_some(),
        gives_result: result.starts_with("Result"),
        has_body,
    }
}

fn source(span: Span) -> String {
    span.source_text().unwrap_or_default()
}

/// What a span holds as words with single spaces, without `async`, `Async` and the commas that formatting adds.
pub fn normal(span: Span) -> String {
    // It was parsed once as part of the file, so it is made of tokens.
    let tokens = source(span).parse::<TokenStream>().unwrap_or_default();
    let mut words = Vec::new();
    push(tokens, &mut words);
    words.join(" ")
}

fn push(tokens: TokenStream, words: &mut Vec<String>) {
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Group(group) => {
                let whole = group.to_string();
                words.extend(whole.chars().next().map(String::from));
                push(group.stream(), words);
                words.extend(whole.chars().next_back().map(String::from));
            }
            TokenTree::Ident(ident) if ident == "async" => {}
            TokenTree::Ident(ident) => words.push(without_prefix(&ident.to_string()).to_owned()),
            TokenTree::Punct(punct) if punct.as_char() == ',' && ends(tokens.peek()) => {}
            other => words.push(other.to_string()),
        }
    }
}

/// Whether a list ends here, so that a comma before it says nothing.
fn ends(next: Option<&TokenTree>) -> bool {
    next.is_none_or(|token| matches!(token, TokenTree::Punct(punct) if punct.as_char() == '>'))
}

/// `Chunks` for `AsyncChunks`; other words as they are.
pub fn without_prefix(word: &str) -> &str {
    word.strip_prefix(PREFIX).filter(|rest| rest.starts_with(char::is_uppercase)).unwrap_or(word)
}
