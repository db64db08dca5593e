//! Reading `sftp://user:password@host:port/folder`, byte for byte: no dot segment is folded, nothing is trimmed.

use worldstore_core::{Error, Result, percent};

use super::SftpConfig;

pub(super) fn parse(uri: &str) -> Result<SftpConfig> {
    let Some(rest) = uri.strip_prefix("sftp://") else {
        let scheme = uri.split_once("://").map_or("none", |(scheme, _)| scheme);
        return Err(Error::invalid("uri does not begin with sftp://").with("scheme", scheme));
    };
    let Some((authority, folder)) = rest.find('/').map(|slash| rest.split_at(slash)) else {
        return Err(Error::invalid("sftp uri has no folder, write sftp://user@host/folder"));
    };
    for (mark, what) in [('?', "a query"), ('#', "a fragment")] {
        if rest.contains(mark) {
            return Err(Error::invalid("sftp uri has a part that means nothing here, write %3F for ? and %23 for #")
                .with("part", what));
        }
    }
    let (login, server) = authority.rsplit_once('@').unwrap_or(("", authority));
    let (user, password) = match login.split_once(':') {
        Some((user, password)) => (user, Some(decode("password", password)?)),
        None => (login, None),
    };
    let (host, port) = split_port(server)?;
    let folder = decode("folder", folder)?;
    let folder = if folder.len() > 1 { folder.trim_end_matches('/') } else { &folder };
    let config = SftpConfig::new(host, decode("user", user)?, if folder.is_empty() { "/" } else { folder })?;
    let config = config.with_port(port);
    Ok(match password {
        Some(password) => config.with_password(password),
        None => config,
    })
}

fn split_port(server: &str) -> Result<(&str, u16)> {
    let (host, port) = match server.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((host, "")) => (host, None),
            Some((host, port)) if port.starts_with(':') => (host, Some(&port[1..])),
            _ => return Err(Error::invalid("sftp host has no closing bracket before its port").with("host", server)),
        },
        None => match server.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (server, None),
        },
    };
    let Some(port) = port else { return Ok((host, 22)) };
    match port.parse() {
        Ok(number) if number > 0 && port.bytes().all(|byte| byte.is_ascii_digit()) => Ok((host, number)),
        _ => Err(Error::invalid("sftp port is not a number from 1 to 65535").with("port", port)),
    }
}

/// Undoes percent-encoding. What is wrong is named, not shown: it may be the password.
fn decode(part: &'static str, text: &str) -> Result<String> {
    percent::decode(text).map_err(|error| error.with("part", part))
}
