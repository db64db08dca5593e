//! The code for a component.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote};
use syn::{Data, DataEnum, DeriveInput, Error, Fields, Ident, Index, LitStr, Member, Path, Result, Type, parse_quote};

use crate::options::{FieldOptions, TypeOptions};

/// A field as it is stored.
struct Field<'a> {
    member: Member,
    name: LitStr,
    kind: &'a Type,
    is_json: bool,
}

/// How values of a type become fields.
struct Shape {
    specs: Vec<TokenStream>,
    encode: TokenStream,
    decode: TokenStream,
}

pub fn derive(input: &DeriveInput) -> Result<TokenStream> {
    if let Some(parameter) = input.generics.params.first() {
        return Err(Error::new_spanned(parameter, "a component has one stable name, so it cannot be generic"));
    }
    let options = TypeOptions::of(&input.attrs)?;
    let at: Path = options.at.clone().unwrap_or_else(|| parse_quote!(::worldstore_ecs));
    let shape = shape(input, &options, &at)?;
    let ident = &input.ident;
    let name = options.name.clone().unwrap_or_else(|| LitStr::new(&ident.to_string(), ident.span()));
    let combine = match &options.combine {
        Some(path) => quote!(#path(earlier, later)),
        None => quote!(later),
    };
    let plain = plain(ident, options.is_plain, &at);
    let Shape { specs, encode, decode } = shape;
    Ok(quote! {
        impl #at::Component for #ident {
            const NAME: &'static str = #name;
            const FIELDS: &'static [#at::FieldSpec] = &[#(#specs),*];

            fn component() -> #at::Result<&'static ::std::sync::Arc<#at::ComponentType>> {
                static COMPONENT: ::std::sync::OnceLock<::std::sync::Arc<#at::ComponentType>> =
                    ::std::sync::OnceLock::new();
                match COMPONENT.get() {
                    ::std::option::Option::Some(component) => ::std::result::Result::Ok(component),
                    ::std::option::Option::None => {
                        let component = ::std::sync::Arc::new(#at::ComponentType::of::<Self>()?);
                        ::std::result::Result::Ok(COMPONENT.get_or_init(|| component))
                    }
                }
            }

            #[inline]
            fn encode(&self, out: &mut impl #at::field::Sink) -> #at::Result<()> {
                let _ = &out;
                #encode
                ::std::result::Result::Ok(())
            }

            #[inline]
            fn decode(input: &mut &[u8]) -> #at::Result<Self> {
                let _ = &input;
                #decode
            }

            #[allow(unused_variables)]
            fn combine(earlier: &Self, later: Self) -> Self {
                #combine
            }

            #plain
        }
    })
}

fn shape(input: &DeriveInput, options: &TypeOptions, at: &Path) -> Result<Shape> {
    if options.is_json {
        return Ok(json(at));
    }
    match &input.data {
        Data::Struct(data) => {
            let fields = fields(&data.fields)?;
            Ok(of_fields(&fields, at))
        }
        Data::Enum(data) if data.variants.iter().all(|variant| variant.fields.is_empty()) => Ok(of_names(data, at)),
        Data::Enum(_) => Err(Error::new(
            Span::call_site(),
            "an enum with data is stored as JSON: add `#[component(json)]`, and serde's derives",
        )),
        Data::Union(_) => Err(Error::new(Span::call_site(), "a union is no component")),
    }
}

fn fields(fields: &Fields) -> Result<Vec<Field<'_>>> {
    let only = fields.len() == 1;
    let named = fields.iter().enumerate().map(|(place, field)| {
        let options = FieldOptions::of(&field.attrs)?;
        let (member, name) = match &field.ident {
            Some(ident) => {
                let plain = ident.to_string();
                (Member::Named(ident.clone()), plain.strip_prefix("r#").unwrap_or(&plain).to_owned())
            }
            None if only => (Member::Unnamed(Index::from(place)), "value".to_owned()),
            None => (Member::Unnamed(Index::from(place)), format!("f{place}")),
        };
        let name = options.rename.unwrap_or_else(|| LitStr::new(&name, Span::call_site()));
        Ok(Field { member, name, kind: &field.ty, is_json: options.is_json })
    });
    named.collect()
}

/// Each field on its own.
fn of_fields(fields: &[Field<'_>], at: &Path) -> Shape {
    let (mut specs, mut encode, mut decode) = (Vec::new(), Vec::new(), Vec::new());
    for Field { member, name, kind, is_json } in fields {
        if *is_json {
            specs.push(quote!(#at::FieldSpec::json(#name)));
            encode.push(quote!(#at::field::encode_json(&self.#member, out)?;));
            decode.push(quote!(#member: #at::field::decode_json(input)?));
        } else {
            specs.push(quote!(#at::FieldSpec::of::<#kind>(#name)));
            encode.push(quote!(#at::FieldType::encode(&self.#member, out);));
            decode.push(quote!(#member: <#kind as #at::FieldType>::decode(input)?));
        }
    }
    let (encode, decode) = (quote!(#(#encode)*), quote!(::std::result::Result::Ok(Self { #(#decode),* })));
    Shape { specs, encode, decode }
}

/// The name of the variant, as text.
fn of_names(data: &DataEnum, at: &Path) -> Shape {
    let variants: Vec<&Ident> = data.variants.iter().map(|variant| &variant.ident).collect();
    let names: Vec<String> = variants.iter().map(ToString::to_string).collect();
    // Braces are right for variants of all three forms.
    let encode = quote! {
        let name: &'static str = match self { #(Self::#variants { .. } => #names),* };
        #at::field::encode_text(name, out);
    };
    let decode = quote! {
        match #at::field::decode_text(input)? {
            #(#names => ::std::result::Result::Ok(Self::#variants {}),)*
            other => ::std::result::Result::Err(#at::field::no_variant(other)),
        }
    };
    Shape { specs: vec![quote!(#at::FieldSpec::text("value"))], encode, decode }
}

/// The whole value, as JSON text.
fn json(at: &Path) -> Shape {
    Shape {
        specs: vec![quote!(#at::FieldSpec::json("value"))],
        encode: quote!(#at::field::encode_json(self, out)?;),
        decode: quote!(#at::field::decode_json(input)),
    }
}

/// Casts between values and bytes, for types that are `zerocopy::FromBytes` and `IntoBytes`.
fn plain(ident: &Ident, is_plain: bool, at: &Path) -> TokenStream {
    let check = format_ident!("PLAIN_{}_HAS_ALL_ITS_BYTES_IN_FIELDS", ident.to_string().to_uppercase());
    if !is_plain {
        return quote! {
            fn plain(_: &[Self]) -> ::std::option::Option<&[u8]> {
                ::std::option::Option::None
            }

            fn of_plain(_: &[u8]) -> ::std::option::Option<&[Self]> {
                ::std::option::Option::None
            }
        };
    }
    quote! {
        fn plain(values: &[Self]) -> ::std::option::Option<&[u8]> {
            const #check: () = assert!(
                #at::field::width(<#ident as #at::Component>::FIELDS) == ::std::mem::size_of::<#ident>(),
                "the memory of a plain component is that of its fields, and all are numbers"
            );
            let () = #check;
            if cfg!(target_endian = "little") {
                ::std::option::Option::Some(#at::zerocopy::IntoBytes::as_bytes(values))
            } else {
                ::std::option::Option::None
            }
        }

        #[inline]
        fn of_plain(bytes: &[u8]) -> ::std::option::Option<&[Self]> {
            if cfg!(target_endian = "little") { <[Self] as #at::zerocopy::FromBytes>::ref_from_bytes(bytes).ok() } else { ::std::option::Option::None }
        }
    }
}
