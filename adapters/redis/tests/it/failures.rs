//! Servers that are gone, slow, or whose answers are lost.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use worldstore_core::{
    Backend, Condition, CopyOptions, Deleted, ErrorKind, Outcome, RenameOptions, Retry, SettleOptions, Settled,
    WriteOptions, WriteToken,
};
use worldstore_redis::RedisConfig;

use crate::proxy::{Proxy, Trouble};
use crate::{Scratch, key, read, scratch, try_read, write};

/// A proxy, and the way to the namespace through it.
fn through_proxy(test: &str) -> Option<(Scratch, Proxy, RedisConfig)> {
    let scratch = scratch(test)?;
    let redis::ConnectionAddr::Tcp(host, port) = scratch.server.get_connection_info().addr().clone() else {
        panic!("the server of the tests is reached over TCP")
    };
    let proxy = Proxy::start(format!("{host}:{port}"));
    let settings = scratch.server.get_connection_info().redis_settings().clone();
    let config = RedisConfig::new("127.0.0.1", proxy.port).unwrap().with_namespace(&scratch.namespace).unwrap();
    let config = config.with_database(u32::try_from(settings.db()).unwrap());
    let config = match settings.password() {
        Some(password) => config.with_credentials(settings.username(), password),
        None => config,
    };
    Some((scratch, proxy, config))
}

#[test]
fn a_lost_answer_is_unknown_and_settled() {
    for (trouble, applied) in [(Trouble::LoseReply, true), (Trouble::LoseRequest, false)] {
        let Some((_scratch, proxy, config)) = through_proxy("lost") else { return };
        let backend = config.connect().unwrap();
        write(&backend, "first", "so that the server knows the script");
        let token = WriteToken::new("mine").unwrap();
        proxy.set(trouble);
        let before = proxy.scripts.load(Ordering::SeqCst);
        let options = WriteOptions::if_absent().with_token(token.clone());
        assert_eq!(backend.write(&key("a"), "body".into(), &options).unwrap(), Outcome::Unknown);
        assert_eq!(proxy.scripts.load(Ordering::SeqCst) - before, 1, "a change is not sent again");
        proxy.set(Trouble::Nothing);
        let settled = backend.settle(&key("a"), &token, &SettleOptions::default()).unwrap();
        match applied {
            true => assert!(matches!(settled, Settled::Applied(meta) if meta.size == 4)),
            false => assert_eq!(settled, Settled::Absent),
        }
    }
}

#[test]
fn every_change_can_end_unknown() {
    let Some((_scratch, proxy, config)) = through_proxy("unknown") else { return };
    let backend = config.with_small_bytes_max(8).with_piece_bytes(10).connect().unwrap();
    write(&backend, "a", "old");
    let _ = backend.copy(&key("a"), &key("b"), &CopyOptions::default()).unwrap();
    let _ = backend.rename(&key("b"), &key("c"), &RenameOptions::default()).unwrap();
    let _ = backend.delete(&[key("c")], &Default::default()).unwrap();
    let mut writer = backend.open_writer(&key("large"), &WriteOptions::default()).unwrap();
    writer.write("more than one piece holds".into()).unwrap();
    proxy.set(Trouble::LoseReply);
    assert_eq!(backend.copy(&key("a"), &key("b"), &CopyOptions::default()).unwrap(), Outcome::Unknown);
    assert_eq!(backend.rename(&key("a"), &key("c"), &RenameOptions::default()).unwrap(), Outcome::Unknown);
    assert_eq!(writer.commit().unwrap(), Outcome::Unknown);
    let deleted = backend.delete(&[key("b")], &Default::default()).unwrap();
    assert!(matches!(&deleted[..], [Deleted::Failed(error)] if error.kind() == ErrorKind::OutcomeUnknown));
    proxy.set(Trouble::Nothing);
    assert_eq!(read(&backend, "c"), b"old");
    assert_eq!(read(&backend, "large"), b"more than one piece holds", "what may be published is not removed");
    assert!(try_read(&backend, "b").unwrap_err().is_not_found());
}

#[test]
fn a_server_that_hangs_is_given_up() {
    let Some((_scratch, proxy, config)) = through_proxy("hang") else { return };
    let backend = config.with_command_timeout(Duration::from_millis(300)).connect().unwrap();
    write(&backend, "a", "old");
    proxy.set(Trouble::Hang);
    let options = WriteOptions::default().with_condition(Condition::IfAbsent);
    assert_eq!(backend.write(&key("b"), "new".into(), &options).unwrap(), Outcome::Unknown);
    let listed = backend.list(&worldstore_core::Prefix::root(), &Default::default()).unwrap_err();
    assert_eq!((listed.kind(), listed.retry()), (ErrorKind::Unavailable, Retry::Later));
    proxy.set(Trouble::Nothing);
    assert_eq!(read(&backend, "a"), b"old");
}

#[test]
fn a_restarted_server_is_found_again_and_one_that_is_gone_is_unavailable() {
    let Some((_scratch, proxy, config)) = through_proxy("gone") else { return };
    let backend = config.connect().unwrap();
    write(&backend, "a", "old");
    proxy.cut(false);
    assert_eq!(read(&backend, "a"), b"old", "reads are asked again");
    proxy.cut(true);
    for error in [try_read(&backend, "a").unwrap_err(), config.connect().unwrap_err()] {
        assert_eq!((error.kind(), error.retry()), (ErrorKind::Unavailable, Retry::Later), "{error:?}");
    }
    // No connection is left that could lose an answer: nothing was sent.
    let written = backend.write(&key("a"), "new".into(), &WriteOptions::default()).unwrap_err();
    assert_eq!(written.kind(), ErrorKind::Unavailable);
    proxy.cut(false);
    assert_eq!(read(&backend, "a"), b"old");
}

#[test]
fn one_dead_connection_stands_for_all_that_are_idle() {
    let Some((_scratch, proxy, config)) = through_proxy("dead") else { return };
    let timeout = Duration::from_secs(1);
    let backend = Arc::new(config.with_command_timeout(timeout).connect().unwrap());
    write(&*backend, "a", vec![7; 1 << 20]);
    while proxy.count.load(Ordering::SeqCst) < 6 {
        let readers: Vec<_> = (0..12)
            .map(|_| {
                let backend = Arc::clone(&backend);
                std::thread::spawn(move || read(&*backend, "a").len())
            })
            .collect();
        readers.into_iter().for_each(|reader| assert_eq!(reader.join().unwrap(), 1 << 20));
    }
    // For so long they are trusted.
    std::thread::sleep(Duration::from_millis(1_100));
    proxy.freeze();
    let begun = Instant::now();
    assert_eq!(read(&*backend, "a").len(), 1 << 20);
    assert!(begun.elapsed() < 4 * timeout, "{:?}", begun.elapsed());
}

#[test]
fn nobody_listens() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let error = RedisConfig::new("127.0.0.1", port).unwrap().connect().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
}

#[test]
fn wrong_credentials_are_refused() {
    let Some(scratch) = scratch("credentials") else { return };
    let error = scratch.config.clone().with_credentials(Some("nobody"), "wrong!").connect().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error:?}");
    assert!(!format!("{error:?}").contains("wrong!"));
}
