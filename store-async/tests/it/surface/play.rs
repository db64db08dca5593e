//! Plays cases on an async store and writes down the answers.

use std::fmt::Write as _;

use futures::{AsyncReadExt, AsyncSeekExt, TryStreamExt};
use worldstore_async::{AsyncEntries, AsyncStore};
use worldstore_core::*;

use super::cases::{
    Call, Case, End, Move, Seen, show_child, show_error, show_folder, show_info, show_meta, show_settled,
};

/// The answers to cases, one line each. Every case gets a store of its own. Errors whole, or by their kind.
pub async fn transcript(cases: &[Case], make: impl Fn() -> AsyncStore, whole: bool) -> String {
    let mut text = String::new();
    for case in cases {
        writeln!(text, "# {}", case.name).unwrap();
        let parent = make();
        let (mut store, mut seen) = (parent.clone(), Seen::default());
        for call in &case.calls {
            let answer = match call {
                Call::InParent => {
                    store = parent.clone();
                    Ok(format!("in {:?}", store.resolve("").unwrap().path.as_str()))
                }
                Call::InChild(folder) => parent.child(folder).map(|child| {
                    store = child;
                    format!("in {:?}", store.resolve("").unwrap().path.as_str())
                }),
                call => play(&store, call, &mut seen).await,
            };
            let answer = answer.unwrap_or_else(|error| show_error(&error, whole));
            writeln!(text, "{call:?} -> {answer}").unwrap();
        }
    }
    text
}

async fn play(store: &AsyncStore, call: &Call, seen: &mut Seen) -> Result<String> {
    let mut meta = |meta: Result<ObjectMeta>| {
        let meta = meta?;
        seen.note(&meta);
        Ok(show_meta(&meta))
    };
    match call.clone() {
        Call::Stat(key) => meta(store.stat(key).await),
        Call::FileInfo(key) => meta(store.file_info(key).await),
        Call::Head(key) => meta(store.head(key).await),
        Call::Write(key, body) => meta(store.write(key, body).await),
        Call::WriteText(key, text) => meta(store.write_text(key, text).await),
        Call::WriteAtomic(key, body, condition) => {
            let options = WriteOptions::default().with_condition(seen.condition(key, condition));
            note(seen, store.write_atomic(key, body, &options).await)
        }
        Call::WriteWith(key, body, condition) => {
            let options = WriteOptions::default().with_condition(seen.condition(key, condition));
            note(seen, store.write_with(key, body, &options).await)
        }
        Call::WriteToken(key, body, token) => {
            meta(store.write_with(key, body, &WriteOptions::default().with_token(WriteToken::new(token)?)).await)
        }
        Call::Copy(from, to, condition) => {
            let options = CopyOptions::default().with_condition(seen.condition(to, condition));
            note(seen, store.copy(from, to, &options).await)
        }
        Call::Rename(from, to, condition) => {
            let options = RenameOptions::default().with_condition(seen.condition(to, condition));
            note(seen, store.rename(from, to, &options).await)
        }
        Call::Parts(key, parts, condition, end) => {
            let options = WriteOptions::default().with_condition(seen.condition(key, condition));
            let mut writer = store.open_atomic(key, &options).await?;
            for part in parts {
                writer.write(*part).await?;
            }
            match end {
                End::Commit => note(seen, writer.commit().await),
                End::Abort => writer.abort().await.map(|()| "aborted".to_owned()),
                End::Drop => Ok("dropped".to_owned()),
            }
        }
        Call::ReadSeen(key, which) => {
            let options = ReadOptions::default().with_version(seen.version(key, which));
            let reply = store.read(key, &options).await?;
            Ok(format!("{:?} of {}", reply.range, show_meta(&reply.meta)))
        }
        Call::DeleteWith(key, missing, condition) => {
            let options = DeleteOptions::default().with_condition(seen.condition(key, condition));
            store.delete_with(key, missing, &options).await.map(done)
        }
        call => look(store, call).await,
    }
}

async fn look(store: &AsyncStore, call: Call) -> Result<String> {
    match call {
        Call::Read(key) => Ok(format!("{:?}", store.read_bytes(key).await?)),
        Call::ReadText(key) => store.read_text(key).await,
        Call::ReadRange(key, range) => Ok(format!("{:?}", store.read_range(key, range).await?)),
        Call::ReadRanges(key, ranges) => Ok(format!("{:?}", store.read_ranges(key, ranges).await?)),
        Call::Seek(key, ahead, moves) => seek(store, key, ahead, moves).await,
        Call::Exists(path) => Ok(store.exists(path).await?.to_string()),
        Call::IsFile(path) => Ok(store.is_file(path).await?.to_string()),
        Call::IsFolder(path) => Ok(store.is_folder(path).await?.to_string()),
        Call::Settle(key, token) => Ok(show_settled(&store.settle(key, &WriteToken::new(token)?).await?)),
        Call::Delete(key, missing) => store.delete(key, missing).await.map(done),
        Call::DeleteFolder(folder, content, missing) => {
            Ok(store.delete_folder(folder, content, missing).await?.to_string())
        }
        Call::Page(folder) => {
            let page = store.list_page(folder, &ListOptions::default().one_level().with_limit(100)).await?;
            let names = page.objects.iter().map(show_meta).chain(page.folders.iter().map(show_folder));
            Ok(format!("{:?}", names.collect::<Vec<_>>()))
        }
        Call::List(folder) => all(store.list(folder), show_meta).await,
        Call::Files(folder, max_depth, pattern) => {
            let mut options = ListFilesOptions::recursive();
            (options.max_depth, options.pattern) = (max_depth, pattern.map(str::to_owned));
            all(store.list_files(folder, &options)?, show_meta).await
        }
        Call::Folders(folder, max_depth, pattern) => {
            let mut options = ListFoldersOptions::recursive();
            (options.max_depth, options.pattern) = (max_depth, pattern.map(str::to_owned));
            all(store.list_folders(folder, &options)?, show_folder).await
        }
        Call::Children(folder) => all(store.iter_children(folder)?, show_child).await,
        Call::Glob(pattern) => all(store.glob(pattern)?, show_meta).await,
        Call::FolderInfo(folder, max_depth) => {
            let mut options = FolderInfoOptions::default();
            options.max_depth = max_depth;
            Ok(show_info(&store.folder_info(folder, &options).await?))
        }
        Call::NativePathAndBack(path) => Ok(format!("{:?}", store.to_key(&store.native_path(path)?)?)),
        Call::Ping => store.ping().await.map(done),
        Call::Check => store.check().await.map(done),
        Call::Close => {
            store.close();
            Ok(done(()))
        }
        call => panic!("not played: {call:?}"),
    }
}

fn note(seen: &mut Seen, meta: Result<ObjectMeta>) -> Result<String> {
    let meta = meta?;
    seen.note(&meta);
    Ok(show_meta(&meta))
}

fn done(_: ()) -> String {
    "done".to_owned()
}

async fn all<Item>(items: AsyncEntries<Item>, show: impl Fn(&Item) -> String) -> Result<String> {
    let items: Vec<Item> = items.try_collect().await?;
    let items: Vec<String> = items.iter().map(show).collect();
    Ok(format!("{items:?}"))
}

async fn seek(store: &AsyncStore, key: &str, ahead: u32, moves: &[Move]) -> Result<String> {
    let mut reader = store.read_seekable(key, &SeekOptions::default().with_read_ahead_bytes(ahead)).await?;
    let mut told = vec![show_meta(reader.meta())];
    for step in moves {
        told.push(match step {
            Move::To(to) => match reader.seek(*to).await {
                Ok(position) => format!("at {position}"),
                Err(error) => format!("{:?}", error.kind()),
            },
            Move::Read(length) => {
                let mut bytes = vec![0; *length];
                let count = reader.read(&mut bytes).await.unwrap();
                format!("{:?}, now at {}", String::from_utf8_lossy(&bytes[..count]), reader.position())
            }
        });
    }
    Ok(told.join("; "))
}
