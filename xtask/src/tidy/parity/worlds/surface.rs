//! What folders of sources show to others: types with their methods, aliases, fields and traits.

use std::collections::BTreeSet;

use syn::spanned::Spanned;

use crate::tidy::parity::shape::{self, Inherent, Method};
use crate::tidy::source::{Source, Sources};

/// What a module shows.
pub struct Surface<'a> {
    /// Names that the module's own file declares or re-exports.
    pub exported: BTreeSet<String>,
    /// Aliases, structs with public fields, and traits.
    pub others: Vec<Found<'a>>,
    methods: Vec<(&'a Source, Inherent)>,
}

/// Something that is no method.
pub struct Found<'a> {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// Where it is.
    pub file: &'a Source,
    /// Where in it, from 1.
    pub line: usize,
    written: String,
}

/// What it is, as words with single spaces.
pub enum Kind {
    /// The type that an alias stands for.
    Alias(String),
    /// Public fields with their types.
    Fields(String),
    /// The methods of a trait.
    Trait(Vec<Method>),
}

impl Found<'_> {
    /// Whether a stream or a future is part of it.
    pub fn waits(&self) -> bool {
        ["BoxStream", "BoxFuture", "Async", "async "].iter().any(|word| self.written.contains(word))
    }
}

impl<'a> Surface<'a> {
    /// What the modules in these folders show. Tests are left out.
    pub fn of(sources: &'a Sources, folders: &[&str]) -> Self {
        let mut surface = Self { exported: BTreeSet::new(), others: Vec::new(), methods: Vec::new() };
        for file in sources.rust().filter(|file| !file.is_test()) {
            let Some(rest) = folders.iter().find_map(|folder| file.path.strip_prefix(folder)) else { continue };
            let items = syn::parse_file(&file.text).map(|file| file.items).unwrap_or_default();
            if rest == "mod.rs" {
                items.iter().for_each(|item| export(item, &mut surface.exported));
            }
            surface.others.extend(items.iter().filter_map(|item| found(item, file)));
            surface.methods.extend(shape::public_methods(&file.text).into_iter().map(|method| (file, method)));
        }
        surface
    }

    /// The public methods of a type, wherever they are written down.
    pub fn methods_of(&self, name: &str) -> impl Iterator<Item = (&'a Source, &Method)> {
        self.methods.iter().filter(move |(_, (owner, _))| owner == name).map(|(file, (_, method))| (*file, method))
    }
}

fn is_public(visibility: &syn::Visibility) -> bool {
    matches!(visibility, syn::Visibility::Public(_))
}

fn export(item: &syn::Item, names: &mut BTreeSet<String>) {
    match item {
        syn::Item::Struct(item) if is_public(&item.vis) => drop(names.insert(item.ident.to_string())),
        syn::Item::Trait(item) if is_public(&item.vis) => drop(names.insert(item.ident.to_string())),
        syn::Item::Type(item) if is_public(&item.vis) => drop(names.insert(item.ident.to_string())),
        syn::Item::Use(item) if is_public(&item.vis) => leaves(&item.tree, names),
        _ => {}
    }
}

fn leaves(tree: &syn::UseTree, names: &mut BTreeSet<String>) {
    match tree {
        syn::UseTree::Path(path) => leaves(&path.tree, names),
        syn::UseTree::Name(name) => drop(names.insert(name.ident.to_string())),
        syn::UseTree::Rename(rename) => drop(names.insert(rename.rename.to_string())),
        syn::UseTree::Group(group) => group.items.iter().for_each(|tree| leaves(tree, names)),
        syn::UseTree::Glob(_) => {}
    }
}

fn found<'a>(item: &syn::Item, file: &'a Source) -> Option<Found<'a>> {
    let (name, kind) = match item {
        syn::Item::Type(item) if is_public(&item.vis) => (&item.ident, Kind::Alias(shape::normal(item.ty.span()))),
        syn::Item::Struct(item) if is_public(&item.vis) => {
            let fields = item.fields.iter().filter(|field| is_public(&field.vis));
            let fields: Vec<String> = fields.map(field).collect();
            (&item.ident, Kind::Fields(fields.join(" , ")))
        }
        syn::Item::Trait(item) if is_public(&item.vis) => {
            let shapes = shape::public_traits(&file.text).into_iter();
            let methods = shapes.filter(|shape| item.ident == shape.name).flat_map(|shape| shape.methods).collect();
            (&item.ident, Kind::Trait(methods))
        }
        _ => return None,
    };
    let written = match &kind {
        Kind::Trait(methods) => methods.iter().map(|method| method.written.as_str()).collect(),
        _ => public_text(item),
    };
    Some(Found { name: name.to_string(), kind, file, line: name.span().start().line, written })
}

fn field(field: &syn::Field) -> String {
    let name = field.ident.as_ref().map(ToString::to_string).unwrap_or_default();
    format!("{name} : {}", shape::normal(field.ty.span()))
}

/// The types that an alias or the public fields of a struct are written with.
fn public_text(item: &syn::Item) -> String {
    let text = |kind: &syn::Type| kind.span().source_text().unwrap_or_default();
    match item {
        syn::Item::Type(item) => text(&item.ty),
        syn::Item::Struct(item) => {
            item.fields.iter().filter(|field| is_public(&field.vis)).map(|field| text(&field.ty)).collect()
        }
        _ => String::new(),
    }
}
