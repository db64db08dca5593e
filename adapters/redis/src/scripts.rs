//! What the server runs: each script is one change, or one look, that nothing comes between.

use redis::Script;

/// The scripts, by what they do. All run by hash; a server that does not know one yet is given it.
#[derive(Debug)]
pub(crate) struct Scripts {
    pub publish: Script,
    pub rename: Script,
    pub copy: Script,
    pub copy_pieces: Script,
    pub piece: Script,
    pub delete: Script,
    pub list: Script,
    pub look: Script,
    pub stage: Script,
    pub discard: Script,
    pub serial: Script,
}

impl Scripts {
    pub fn new() -> Self {
        Self {
            publish: script(include_str!("lua/publish.lua")),
            rename: script(include_str!("lua/rename.lua")),
            copy: script(include_str!("lua/copy.lua")),
            copy_pieces: Script::new(include_str!("lua/copy_pieces.lua")),
            piece: Script::new(include_str!("lua/piece.lua")),
            delete: script(include_str!("lua/delete.lua")),
            list: Script::new(include_str!("lua/list.lua")),
            look: Script::new(include_str!("lua/look.lua")),
            stage: Script::new(include_str!("lua/stage.lua")),
            discard: Script::new(include_str!("lua/discard.lua")),
            serial: script(include_str!("lua/serial.lua")),
        }
    }
}

fn script(own: &str) -> Script {
    Script::new(&[include_str!("lua/shared.lua"), own].concat())
}
