//! The derive macro of `worldstore-ecs`: `#[derive(Component)]`.

mod component;
mod options;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Makes a component of a type: a name, fields, and how values become bytes. `worldstore_ecs::Component` tells the
/// attributes.
#[proc_macro_derive(Component, attributes(component, worldstore))]
pub fn derive_component(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    component::derive(&input).unwrap_or_else(syn::Error::into_compile_error).into()
}
