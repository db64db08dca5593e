//! What `#[component(…)]`, or `#[worldstore(…)]`, says on a type and on a field.

use syn::{Attribute, LitStr, Path, Result};

/// On a type.
#[derive(Default)]
pub struct TypeOptions {
    pub name: Option<LitStr>,
    pub combine: Option<Path>,
    pub is_plain: bool,
    pub is_json: bool,
    /// Where the crate is found, if not under its own name.
    pub at: Option<Path>,
}

/// On a field.
#[derive(Default)]
pub struct FieldOptions {
    pub rename: Option<LitStr>,
    pub is_json: bool,
}

impl TypeOptions {
    pub fn of(attributes: &[Attribute]) -> Result<Self> {
        let mut options = Self::default();
        for attribute in ours(attributes) {
            attribute.parse_nested_meta(|meta| {
                if meta.path.is_ident("name") {
                    options.name = Some(meta.value()?.parse()?);
                } else if meta.path.is_ident("combine") {
                    options.combine = Some(meta.value()?.parse()?);
                } else if meta.path.is_ident("crate") {
                    options.at = Some(meta.value()?.parse()?);
                } else if meta.path.is_ident("plain") {
                    options.is_plain = true;
                } else if meta.path.is_ident("json") {
                    options.is_json = true;
                } else {
                    return Err(meta.error("a type has `name`, `combine`, `plain`, `json` and `crate`"));
                }
                Ok(())
            })?;
        }
        Ok(options)
    }
}

impl FieldOptions {
    pub fn of(attributes: &[Attribute]) -> Result<Self> {
        let mut options = Self::default();
        for attribute in ours(attributes) {
            attribute.parse_nested_meta(|meta| {
                if meta.path.is_ident("rename") {
                    options.rename = Some(meta.value()?.parse()?);
                } else if meta.path.is_ident("json") {
                    options.is_json = true;
                } else {
                    return Err(meta.error("a field has `rename` and `json`"));
                }
                Ok(())
            })?;
        }
        Ok(options)
    }
}

/// Our attributes: those called `worldstore`, or else those called `component`, which other crates have too.
fn ours(attributes: &[Attribute]) -> impl Iterator<Item = &Attribute> {
    let has_own = attributes.iter().any(|attribute| attribute.path().is_ident("worldstore"));
    let name = if has_own { "worldstore" } else { "component" };
    attributes.iter().filter(move |attribute| attribute.path().is_ident(name))
}
