//! The place of a catalog as an argument.

use std::ffi::OsStr;

use clap::builder::TypedValueParser;
use clap::error::{Error, ErrorKind};
use clap::{Arg, Command};
use worldstore::CatalogPlace;
use worldstore::config::Lookup;
use worldstore::registry::masked;

/// Reads the place of a catalog. What is wrong with it is said here: otherwise its password would be repeated.
#[derive(Debug, Clone)]
pub struct CatalogPlaces;

impl TypedValueParser for CatalogPlaces {
    type Value = CatalogPlace;

    fn parse_ref(&self, command: &Command, arg: Option<&Arg>, value: &OsStr) -> Result<CatalogPlace, Error> {
        let option = arg.map_or_else(|| "--catalog".to_owned(), ToString::to_string);
        let refused = |shown: &str, why: &str| {
            let text = format!("invalid value '{shown}' for '{option}': {why}\n");
            Error::raw(ErrorKind::ValueValidation, text).with_cmd(command)
        };
        let text = value.to_str().ok_or_else(|| refused("…", "it is not UTF-8"))?;
        CatalogPlace::parse(text, &Lookup::process()).map_err(|error| refused(&masked(text), &error.to_string()))
    }
}
