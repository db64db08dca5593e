//! Items of Rust as lines: who shows them, and how they are written.

use std::collections::{BTreeMap, BTreeSet};

use syn::spanned::Spanned;
use syn::{Attribute, ImplItem, Item, TraitItem, Type, UseTree, Visibility};

use super::File;
use crate::failure::{Context, Result};

/// Everything that a crate of this name shows. A line is the owner, a colon, and what it has.
pub fn lines(name: &str, files: &[File]) -> Result<BTreeSet<String>> {
    let mut modules = Vec::new();
    for file in files {
        let of = || format!("parsing the module {name}::{}", file.module.join("::"));
        let parsed = syn::parse_file(&file.text).during(of())?;
        flatten(&file.module, parsed.items, &mut modules);
    }
    let mut crate_api = Api { name, ..Api::default() };
    modules.iter().for_each(|module| crate_api.note(module));
    // Types first: blocks of methods may come before them.
    for module in &modules {
        module.items.iter().for_each(|item| crate_api.item(&module.path, item));
    }
    for module in &modules {
        module.items.iter().for_each(|item| crate_api.block(&module.path, item));
    }
    Ok(crate_api.lines)
}

struct Module {
    path: Vec<String>,
    items: Vec<Item>,
}

/// Modules within modules beside each other, those of tests left out.
fn flatten(path: &[String], items: Vec<Item>, modules: &mut Vec<Module>) {
    let mut own = Vec::new();
    for item in items {
        if is_for_tests(attributes(&item)) {
            continue;
        }
        if let Item::Mod(module) = &item
            && let Some((_, inner)) = &module.content
        {
            let path: Vec<String> = path.iter().cloned().chain([module.ident.to_string()]).collect();
            flatten(&path, inner.clone(), modules);
        }
        own.push(item);
    }
    modules.push(Module { path: path.to_vec(), items: own });
}

#[derive(Default)]
struct Api<'a> {
    name: &'a str,
    public_modules: BTreeSet<Vec<String>>,
    /// Names that some `pub use` of the crate names, and modules that one takes whole.
    exported: BTreeSet<String>,
    whole: BTreeSet<String>,
    /// Types and traits that are shown: by name, the module and the path that they are shown with.
    owners: BTreeMap<String, Vec<(Vec<String>, String)>>,
    lines: BTreeSet<String>,
}

impl Api<'_> {
    fn note(&mut self, module: &Module) {
        for item in &module.items {
            match item {
                Item::Mod(inner) if is_public(&inner.vis) => {
                    let path = module.path.iter().cloned().chain([inner.ident.to_string()]).collect();
                    self.public_modules.insert(path);
                }
                Item::Use(item) if is_public(&item.vis) => self.export(&item.tree, ""),
                _ => {}
            }
        }
    }

    fn export(&mut self, tree: &UseTree, within: &str) {
        match tree {
            UseTree::Path(path) => self.export(&path.tree, &path.ident.to_string()),
            UseTree::Name(name) => drop(self.exported.insert(name.ident.to_string())),
            UseTree::Rename(rename) => drop(self.exported.insert(rename.ident.to_string())),
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.export(tree, within)),
            UseTree::Glob(_) => drop(self.whole.insert(within.to_owned())),
        }
    }

    /// The path that others know a module by: as far as its parents are public.
    fn shown(&self, module: &[String]) -> (String, bool) {
        let depth = (1..=module.len()).take_while(|depth| self.public_modules.contains(&module[..*depth])).count();
        let mut path = self.name.to_owned();
        module[..depth].iter().for_each(|name| path = format!("{path}::{name}"));
        (path, depth == module.len())
    }

    fn is_shown(&self, module: &[String], name: &str) -> bool {
        let taken_whole = module.last().is_some_and(|last| self.whole.contains(last));
        self.shown(module).1 || self.exported.contains(name) || taken_whole
    }

    fn line(&mut self, owner: &str, text: &str, attributes: &[Attribute]) {
        let condition: String = attributes.iter().filter_map(condition).collect();
        self.lines.insert(format!("{owner}: {text}{condition}"));
    }

    /// Declares a type or a trait, and gives the path that it is shown with.
    fn declare(&mut self, module: &[String], name: &syn::Ident, text: &str, attributes: &[Attribute]) -> String {
        let (path, _) = self.shown(module);
        self.line(&path, text, attributes);
        let path = format!("{path}::{name}");
        for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("derive")) {
            let derived = source(attribute.meta.require_list().map_or(attribute.span(), |list| list.tokens.span()));
            derived.split(',').for_each(|derived| self.line(&path, &format!("derive {}", derived.trim()), &[]));
        }
        if attributes.iter().any(|attribute| attribute.path().is_ident("non_exhaustive")) {
            self.line(&path, "non_exhaustive", &[]);
        }
        self.owners.entry(name.to_string()).or_default().push((module.to_vec(), path.clone()));
        path
    }

    fn item(&mut self, module: &[String], item: &Item) {
        let named = |visibility: &Visibility, name: &syn::Ident, api: &Self| {
            is_public(visibility) && api.is_shown(module, &name.to_string())
        };
        let (path, is_public_module) = self.shown(module);
        match item {
            Item::Fn(item) if named(&item.vis, &item.sig.ident, self) => {
                self.line(&path, &source(item.sig.span()), &item.attrs);
            }
            Item::Struct(item) if named(&item.vis, &item.ident, self) => {
                let text = format!("struct {}{}", item.ident, source(item.generics.span()));
                let owner = self.declare(module, &item.ident, &text, &item.attrs);
                for (number, field) in item.fields.iter().enumerate().filter(|(_, field)| is_public(&field.vis)) {
                    let name = field.ident.as_ref().map_or(number.to_string(), ToString::to_string);
                    self.line(&owner, &format!("{name}: {}", source(field.ty.span())), &field.attrs);
                }
            }
            Item::Enum(item) if named(&item.vis, &item.ident, self) => {
                let text = format!("enum {}{}", item.ident, source(item.generics.span()));
                let owner = self.declare(module, &item.ident, &text, &item.attrs);
                for variant in &item.variants {
                    let fields = variant.fields.iter().map(|field| match &field.ident {
                        Some(name) => format!("{name}: {}", source(field.ty.span())),
                        None => source(field.ty.span()),
                    });
                    let fields = fields.collect::<Vec<_>>().join(", ");
                    self.line(&owner, &format!("variant {}({fields})", variant.ident), &variant.attrs);
                }
            }
            Item::Trait(item) if named(&item.vis, &item.ident, self) => self.declare_trait(module, item),
            Item::Type(item) if named(&item.vis, &item.ident, self) => {
                let (generics, kind) = (source(item.generics.span()), source(item.ty.span()));
                self.line(&path, &format!("type {}{generics} = {kind}", item.ident), &item.attrs);
            }
            Item::Const(item) if named(&item.vis, &item.ident, self) => {
                self.line(&path, &format!("const {}: {}", item.ident, source(item.ty.span())), &item.attrs);
            }
            Item::Static(item) if named(&item.vis, &item.ident, self) => {
                self.line(&path, &format!("static {}: {}", item.ident, source(item.ty.span())), &item.attrs);
            }
            Item::Use(item) if is_public(&item.vis) && is_public_module => {
                self.line(&path, &format!("use {}", source(item.tree.span())), &item.attrs);
            }
            Item::Macro(item) if item.attrs.iter().any(|attribute| attribute.path().is_ident("macro_export")) => {
                let name = item.ident.as_ref().map(ToString::to_string).unwrap_or_default();
                let root = self.name.to_owned();
                self.line(&root, &format!("macro {name}!"), &item.attrs);
            }
            _ => {}
        }
    }

    fn declare_trait(&mut self, module: &[String], item: &syn::ItemTrait) {
        let bounds = source(item.supertraits.span());
        let colon = if bounds.is_empty() { "" } else { ": " };
        let text = format!("trait {}{}{colon}{bounds}", item.ident, source(item.generics.span()));
        let owner = self.declare(module, &item.ident, &text, &item.attrs);
        for inner in &item.items {
            match inner {
                TraitItem::Fn(method) => {
                    let default = if method.default.is_some() { " { … }" } else { "" };
                    self.line(&owner, &format!("{}{default}", source(method.sig.span())), &method.attrs);
                }
                TraitItem::Type(kind) => self.line(&owner, &format!("type {}", kind.ident), &kind.attrs),
                TraitItem::Const(constant) => self.line(&owner, &format!("const {}", constant.ident), &constant.attrs),
                _ => {}
            }
        }
    }

    /// A block of methods, or the implementation of a trait, of a type that is shown.
    fn block(&mut self, module: &[String], item: &Item) {
        let Item::Impl(item) = item else { return };
        let Type::Path(kind) = &*item.self_ty else { return };
        let Some(owner) = kind.path.segments.last().and_then(|last| self.owner(module, &last.ident.to_string())) else {
            return;
        };
        if let Some((_, implemented, _)) = &item.trait_ {
            let text = format!(
                "impl{} {} for {}",
                source(item.generics.span()),
                source(implemented.span()),
                source(kind.span())
            );
            return self.line(&owner, &text, &item.attrs);
        }
        let within = &item.attrs;
        for inner in &item.items {
            match inner {
                ImplItem::Fn(method) if is_public(&method.vis) => {
                    let attributes: Vec<Attribute> = within.iter().chain(&method.attrs).cloned().collect();
                    self.line(&owner, &source(method.sig.span()), &attributes);
                }
                ImplItem::Const(constant) if is_public(&constant.vis) => {
                    let text = format!("const {}: {}", constant.ident, source(constant.ty.span()));
                    self.line(&owner, &text, &constant.attrs);
                }
                _ => {}
            }
        }
    }

    /// The type of this name that a module means: its own, else one of its parents', else the only one there is.
    fn owner(&self, module: &[String], name: &str) -> Option<String> {
        let owners = self.owners.get(name)?;
        let near = owners.iter().filter(|(home, _)| module.starts_with(home)).max_by_key(|(home, _)| home.len());
        near.or(owners.first()).map(|(_, path)| path.clone())
    }
}

fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().filter_map(condition).any(|condition| condition == " [test]")
}

/// What an item is compiled under.
fn condition(attribute: &Attribute) -> Option<String> {
    let list = attribute.meta.require_list().ok().filter(|list| list.path.is_ident("cfg"))?;
    Some(format!(" [{}]", source(list.tokens.span())))
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// What a span holds, in one line, without what formatting adds.
fn source(span: proc_macro2::Span) -> String {
    let text = span.source_text().unwrap_or_default();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    text.replace(", )", ")").replace(",)", ")").replace("( ", "(").replace(", >", ">").replace(" )", ")")
}
