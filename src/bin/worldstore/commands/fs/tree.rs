//! `tree`.

use futures::TryStreamExt;
use futures::future::{BoxFuture, FutureExt};
use worldstore::core::Child;
use worldstore::storage::Root;
use worldstore::{Registry, Result};

use super::address::Address;
use super::show::Style;
use crate::args::fs::TreeArgs;
use crate::output::line;

pub async fn run(args: TreeArgs, registry: &Registry) -> Result<()> {
    let folder = Address::folder(registry, &args.uri, Root::Existing).await?;
    if !args.json {
        line(&folder.shown)?;
    }
    let levels = args.depth.map_or(u64::MAX, |depth| u64::from(depth) + 1);
    let path = folder.path.clone();
    branch(&folder, path, String::new(), levels, args.json).await
}

/// Prints what is in a folder; `indent` goes before each line.
fn branch<'run>(
    root: &'run Address,
    folder: String,
    indent: String,
    levels: u64,
    json: bool,
) -> BoxFuture<'run, Result<()>> {
    async move {
        let mut children = root.store.iter_children(&folder)?;
        let mut next = children.try_next().await?;
        while let Some(child) = next {
            next = children.try_next().await?;
            let (edge, below) = if next.is_some() { ("├── ", "│   ") } else { ("└── ", "    ") };
            let path = root.relative(child.path());
            let name = path.rsplit('/').next().unwrap_or_default();
            match (&child, json) {
                (Child::File(meta), true) => Style::Json.file(path, meta)?,
                (Child::Folder(_), true) => Style::Json.folder(path)?,
                (Child::File(_), false) => line(&format!("{indent}{edge}{name}"))?,
                (Child::Folder(_), false) => line(&format!("{indent}{edge}{name}/"))?,
            }
            if let Child::Folder(prefix) = &child
                && levels > 1
            {
                branch(root, prefix.to_string(), format!("{indent}{below}"), levels - 1, json).await?;
            }
        }
        Ok(())
    }
    .boxed()
}
