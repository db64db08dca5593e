//! Write tokens, kept with the object as an extended attribute of its file: a rename keeps it, a copy does not.

use std::os::fd::AsFd;

use rustix::io::Errno;

use crate::ops::WriteToken;

const ATTRIBUTE: &str = "user.worldstore.token";

/// Keeps a token with a file.
#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
pub(super) fn set(file: impl AsFd, token: &WriteToken) -> Result<(), Errno> {
    rustix::fs::fsetxattr(file, ATTRIBUTE, token.as_str().as_bytes(), rustix::fs::XattrFlags::empty())
}

/// True if the file carries this token.
#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
pub(super) fn is(file: impl AsFd, token: &WriteToken) -> Result<bool, Errno> {
    #[cfg(target_vendor = "apple")]
    const NONE: Errno = Errno::NOATTR;
    #[cfg(not(target_vendor = "apple"))]
    const NONE: Errno = Errno::NODATA;
    // The longest token has 128 bytes.
    let mut bytes = [0_u8; 129];
    match rustix::fs::fgetxattr(file, ATTRIBUTE, &mut bytes[..]) {
        Ok(length) => Ok(bytes.get(..length) == Some(token.as_str().as_bytes())),
        // None, or one that is longer than any of ours.
        Err(errno) if errno == NONE || errno == Errno::RANGE => Ok(false),
        Err(errno) => Err(errno),
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
pub(super) fn set(_file: impl AsFd, _token: &WriteToken) -> Result<(), Errno> {
    Err(Errno::OPNOTSUPP)
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
pub(super) fn is(_file: impl AsFd, _token: &WriteToken) -> Result<bool, Errno> {
    Err(Errno::OPNOTSUPP)
}
