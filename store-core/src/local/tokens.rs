//! Write tokens, kept with the object as an extended attribute of its file: a rename keeps it, a copy does not.

use std::io::Result;

use crate::ops::WriteToken;
use crate::vfs::File;

const ATTRIBUTE: &str = "user.worldstore.token";

/// Keeps a token with a file.
pub(super) fn set(file: &impl File, token: &WriteToken) -> Result<()> {
    file.set_attribute(ATTRIBUTE, token.as_str().as_bytes())
}

/// True if the file carries this token.
pub(super) fn is(file: &impl File, token: &WriteToken) -> Result<bool> {
    Ok(file.attribute(ATTRIBUTE)?.is_some_and(|found| found == token.as_str().as_bytes()))
}
