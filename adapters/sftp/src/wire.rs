//! Packets of the SSH File Transfer Protocol, version 3 (draft-ietf-secsh-filexfer-02): written and read, no I/O.
//!
//! Names and handles are bytes here, as they are on the wire: a server may use any of them.

use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::session::Handle;

/// The longest packet that is accepted; OpenSSH sends none that is longer.
pub const PACKET_BYTES_MAX: usize = 1 << 18;

/// Kinds of packets that are sent.
pub mod kind {
    pub const INIT: u8 = 1;
    pub const VERSION: u8 = 2;
    pub const OPEN: u8 = 3;
    pub const CLOSE: u8 = 4;
    pub const READ: u8 = 5;
    pub const WRITE: u8 = 6;
    pub const LSTAT: u8 = 7;
    pub const FSTAT: u8 = 8;
    pub const OPENDIR: u8 = 11;
    pub const READDIR: u8 = 12;
    pub const REMOVE: u8 = 13;
    pub const MKDIR: u8 = 14;
    pub const RMDIR: u8 = 15;
    pub const REALPATH: u8 = 16;
    pub const EXTENDED: u8 = 200;
}

/// Codes of a status reply.
pub mod status {
    pub const OK: u32 = 0;
    pub const EOF: u32 = 1;
    pub const NO_SUCH_FILE: u32 = 2;
    pub const PERMISSION_DENIED: u32 = 3;
    pub const FAILURE: u32 = 4;
    pub const BAD_MESSAGE: u32 = 5;
    pub const NO_CONNECTION: u32 = 6;
    pub const CONNECTION_LOST: u32 = 7;
    pub const OP_UNSUPPORTED: u32 = 8;
}

/// How a file is opened.
pub mod flags {
    pub const READ: u32 = 1;
    pub const WRITE: u32 = 2;
    pub const CREATE: u32 = 8;
    pub const EXCLUSIVE: u32 = 32;
}

const ATTR_SIZE: u32 = 1;
const ATTR_OWNER: u32 = 2;
const ATTR_MODE: u32 = 4;
const ATTR_TIMES: u32 = 8;
const ATTR_EXTENDED: u32 = 0x8000_0000;

/// Bytes of length, kind and id before everything else.
const HEAD_BYTES: usize = 9;

/// A packet in the making: its head is filled in last, so that what it carries is copied once.
#[derive(Debug, Clone)]
pub struct Request {
    packet: BytesMut,
}

impl Request {
    pub fn new(kind: u8) -> Self {
        Self { packet: BytesMut::from(&[0, 0, 0, 0, kind, 0, 0, 0, 0][..]) }
    }

    pub fn extended(name: &str) -> Self {
        Self::new(kind::EXTENDED).bytes(name.as_bytes())
    }

    pub fn u32(mut self, value: u32) -> Self {
        self.packet.put_u32(value);
        self
    }

    pub fn u64(mut self, value: u64) -> Self {
        self.packet.put_u64(value);
        self
    }

    /// A length and that many bytes.
    pub fn bytes(mut self, bytes: &[u8]) -> Self {
        self.packet.reserve(4 + bytes.len());
        self.packet.put_u32(bytes.len() as u32);
        self.packet.put_slice(bytes);
        self
    }

    /// Attributes: the mode and nothing else.
    pub fn mode(self, mode: u32) -> Self {
        self.u32(ATTR_MODE).u32(mode)
    }

    /// The packet with its length and its id. The first packet of a session has no id but the version in its place.
    pub fn encode(mut self, id: u32) -> Bytes {
        let length = self.packet.len() as u32 - 4;
        let head = &mut self.packet[..HEAD_BYTES];
        head[..4].copy_from_slice(&length.to_be_bytes());
        head[5..].copy_from_slice(&id.to_be_bytes());
        self.packet.freeze()
    }
}

/// What a server tells of a file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Attrs {
    pub size: Option<u64>,
    pub mode: Option<u32>,
    /// Seconds since 1970.
    pub modified: Option<u32>,
}

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    File,
    Folder,
    Link,
    /// A device, a pipe, a socket; or the server does not tell.
    Other,
}

impl Attrs {
    pub fn kind(&self) -> FileKind {
        match self.mode.map(|mode| mode & 0o170_000) {
            Some(0o100_000) => FileKind::File,
            Some(0o040_000) => FileKind::Folder,
            Some(0o120_000) => FileKind::Link,
            _ => FileKind::Other,
        }
    }
}

/// A name in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub name: Bytes,
    pub attrs: Attrs,
}

/// What a server answers.
#[derive(Debug)]
pub enum Reply {
    Status { code: u32, message: String },
    Handle(Handle),
    Data(Bytes),
    Names(Vec<Entry>),
    Attrs(Attrs),
    Extended(Bytes),
}

/// What a packet holds behind its id, before handles become handles.
#[derive(Debug, PartialEq, Eq)]
pub enum Parsed {
    Status { code: u32, message: String },
    Handle(Bytes),
    Data(Bytes),
    Names(Vec<Entry>),
    Attrs(Attrs),
    Extended(Bytes),
}

/// Takes one packet, without its length, from what has come in. None if more has to come.
///
/// # Errors
/// If its length is not one that a packet can have.
pub fn take_packet(input: &mut BytesMut) -> Result<Option<Bytes>, &'static str> {
    let Some(length) = input.first_chunk::<4>() else { return Ok(None) };
    let length = u32::from_be_bytes(*length) as usize;
    if !(5..=PACKET_BYTES_MAX).contains(&length) {
        return Err("a packet has an impossible length");
    }
    if input.len() < 4 + length {
        return Ok(None);
    }
    input.advance(4);
    Ok(Some(input.split_to(length).freeze()))
}

/// Reads a packet: its id and what it holds.
pub fn parse(mut packet: Bytes) -> Result<(u32, Parsed), &'static str> {
    let kind = packet.try_get_u8().map_err(|_| CUT)?;
    let id = get_u32(&mut packet)?;
    let parsed = match kind {
        101 => {
            let code = get_u32(&mut packet)?;
            // Some servers leave the message out.
            let message = get_bytes(&mut packet).unwrap_or_default();
            Parsed::Status { code, message: String::from_utf8_lossy(&message).into_owned() }
        }
        102 => Parsed::Handle(get_bytes(&mut packet)?),
        103 => Parsed::Data(get_bytes(&mut packet)?),
        104 => Parsed::Names(get_names(&mut packet)?),
        105 => Parsed::Attrs(get_attrs(&mut packet)?),
        201 => Parsed::Extended(packet),
        _ => return Err("a packet is of an unknown kind"),
    };
    Ok((id, parsed))
}

/// Extensions of the protocol that a server has, by name and data.
pub type Extensions = Vec<(Bytes, Bytes)>;

/// Reads the server's first packet: its version, and its extensions by name and data.
pub fn parse_version(mut packet: Bytes) -> Result<(u32, Extensions), &'static str> {
    if packet.try_get_u8() != Ok(kind::VERSION) {
        return Err("the first packet is not the version");
    }
    let version = get_u32(&mut packet)?;
    let mut extensions = Vec::new();
    while packet.has_remaining() {
        extensions.push((get_bytes(&mut packet)?, get_bytes(&mut packet)?));
    }
    Ok((version, extensions))
}

const CUT: &str = "a packet ends too early";

pub fn get_u32(packet: &mut Bytes) -> Result<u32, &'static str> {
    packet.try_get_u32().map_err(|_| CUT)
}

pub fn get_u64(packet: &mut Bytes) -> Result<u64, &'static str> {
    packet.try_get_u64().map_err(|_| CUT)
}

fn get_bytes(packet: &mut Bytes) -> Result<Bytes, &'static str> {
    let length = get_u32(packet)? as usize;
    match length <= packet.len() {
        true => Ok(packet.split_to(length)),
        false => Err(CUT),
    }
}

fn get_names(packet: &mut Bytes) -> Result<Vec<Entry>, &'static str> {
    let count = get_u32(packet)?;
    let mut entries = Vec::new();
    for _ in 0..count {
        let name = get_bytes(packet)?;
        let _long_name = get_bytes(packet)?;
        entries.push(Entry { name, attrs: get_attrs(packet)? });
    }
    Ok(entries)
}

fn get_attrs(packet: &mut Bytes) -> Result<Attrs, &'static str> {
    let flags = get_u32(packet)?;
    let mut attrs = Attrs::default();
    if flags & ATTR_SIZE != 0 {
        attrs.size = Some(get_u64(packet)?);
    }
    if flags & ATTR_OWNER != 0 {
        let _owner_and_group = get_u64(packet)?;
    }
    if flags & ATTR_MODE != 0 {
        attrs.mode = Some(get_u32(packet)?);
    }
    if flags & ATTR_TIMES != 0 {
        let _accessed = get_u32(packet)?;
        attrs.modified = Some(get_u32(packet)?);
    }
    if flags & ATTR_EXTENDED != 0 {
        for _ in 0..get_u32(packet)? {
            let (_name, _data) = (get_bytes(packet)?, get_bytes(packet)?);
        }
    }
    Ok(attrs)
}

#[cfg(test)]
mod tests;
