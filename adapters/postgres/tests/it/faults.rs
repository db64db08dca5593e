//! Faults: lost answers, servers that are gone, wrong users, foreign namespaces, locks, too few connections.

use std::time::Duration;

use sqlx::{Connection, Executor, PgConnection};
use worldstore_async::AsyncBackend;
use worldstore_core::{
    CheckOptions, Condition, DeleteOptions, Deleted, ErrorKind, Key, ListOptions, Outcome, ReadOptions, Retry,
    SettleOptions, Settled, StatOptions, WriteOptions, WriteToken,
};
use worldstore_postgres::PostgresConfig;

use crate::proxy::{Proxy, Trouble};
use crate::support::{applied, body, bytes, key, names, server, write};

fn token(text: &str) -> WriteToken {
    WriteToken::new(text).unwrap()
}

async fn parts(backend: &dyn AsyncBackend, name: &str, options: &WriteOptions) -> Outcome {
    let mut writer = backend.open_writer(&key(name), options).await.unwrap();
    writer.write(body(2_000_000).into()).await.unwrap();
    writer.commit().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_is_unknown_and_settled_by_the_token() {
    let Some(server) = server() else { return };
    let (direct, proxy) = (server.connect().await, Proxy::start(&server.url).await);
    let config = PostgresConfig::from_uri(&proxy.url).unwrap().with_namespace(&server.namespace).unwrap();
    let through = config.connect().await.unwrap();
    let settle = |name: &'static str, written: &'static str| {
        let direct = direct.clone();
        async move { direct.settle(&key(name), &token(written), &SettleOptions::default()).await.unwrap() }
    };

    proxy.set(Trouble::LoseAnswer);
    let options = WriteOptions::if_absent().with_token(token("one"));
    assert_eq!(through.write(&key("a"), "x".into(), &options).await.unwrap(), Outcome::Unknown);
    assert!(matches!(settle("a", "one").await, Settled::Applied(meta) if meta.size == 1));
    let deleted = through.delete(&[key("a")], &DeleteOptions::default()).await.unwrap();
    let [Deleted::Failed(error)] = &deleted[..] else { panic!("{deleted:?}") };
    assert_eq!(error.kind(), ErrorKind::OutcomeUnknown);
    assert_eq!(direct.stat(&key("a"), &StatOptions::default()).await.unwrap_err().kind(), ErrorKind::NotFound);

    proxy.set(Trouble::LoseCommit);
    assert_eq!(through.write(&key("b"), "x".into(), &options).await.unwrap(), Outcome::Unknown);
    assert_eq!(settle("b", "one").await, Settled::Absent);

    proxy.set(Trouble::Nothing);
    let options = WriteOptions::if_absent().with_token(token("two"));
    let mut writer = through.open_writer(&key("c"), &options).await.unwrap();
    writer.write(body(2_000_000).into()).await.unwrap();
    proxy.set(Trouble::LoseAnswer);
    assert_eq!(writer.commit().await.unwrap(), Outcome::Unknown);
    assert!(matches!(settle("c", "two").await, Settled::Applied(meta) if meta.size == 2_000_000));
    assert!(bytes(&direct, "c", ReadOptions::default()).await.unwrap() == body(2_000_000));

    proxy.set(Trouble::Nothing);
    applied(write(&through, "d", "again", Condition::IfAbsent).await);
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_goes_is_unavailable_and_may_come_back() {
    let Some(server) = server() else { return };
    let proxy = Proxy::start(&server.url).await;
    let config = PostgresConfig::from_uri(&proxy.url).unwrap().with_namespace(&server.namespace).unwrap();
    let backend = config.with_acquire_timeout(Duration::from_millis(300)).connect().await.unwrap();
    applied(write(&backend, "a", "x", Condition::None).await);
    proxy.set(Trouble::Gone);
    let errors = [
        backend.stat(&key("a"), &StatOptions::default()).await.unwrap_err(),
        backend.write(&key("a"), "y".into(), &WriteOptions::default()).await.unwrap_err(),
        backend.check(&CheckOptions::default()).await.unwrap_err(),
        backend.list(&worldstore_core::Prefix::root(), &ListOptions::default()).await.unwrap_err(),
    ];
    for error in errors {
        assert_eq!((error.kind(), error.retry()), (ErrorKind::Unavailable, Retry::Later), "{error:?}");
    }
    proxy.set(Trouble::Nothing);
    assert_eq!(bytes(&backend, "a", ReadOptions::default()).await.unwrap(), b"x");
    server.end().await;
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable_and_the_password_stays_hidden() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let config = PostgresConfig::from_uri(&format!("postgres://me:hidden@{address}/db")).unwrap();
    let error = config.with_acquire_timeout(Duration::from_millis(300)).connect().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    assert!(!format!("{error:?}").contains("hidden"), "{error:?}");
}

#[test]
fn without_a_runtime_connecting_is_refused() {
    let config = PostgresConfig::from_uri("postgres://me@127.0.0.1/db").unwrap();
    let error = futures::executor::block_on(config.connect()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error:?}");
}

#[tokio::test]
async fn wrong_users_databases_and_namespaces_are_told_apart() {
    let Some(server) = server() else { return };
    let with = |change: &dyn Fn(&mut url::Url)| {
        let mut url = url::Url::parse(&server.url).unwrap();
        change(&mut url);
        PostgresConfig::from_uri(url.as_str()).unwrap().with_namespace(&server.namespace).unwrap()
    };
    let wrong = with(&|url| url.set_password(Some("hidden-and-wrong")).unwrap());
    let error = wrong.connect().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error:?}");
    assert!(!format!("{error:?}").contains("hidden"), "{error:?}");
    let error = with(&|url| url.set_path("/no_such_database")).connect().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error:?}");

    server.run("CREATE SCHEMA {ns}; CREATE TABLE {ns}.store (mine text); CREATE TABLE {ns}.objects (mine text)").await;
    assert_eq!(server.config().connect().await.unwrap_err().kind(), ErrorKind::Invalid);
    server.run("DROP TABLE {ns}.store").await;
    assert_eq!(server.config().connect().await.unwrap_err().kind(), ErrorKind::Invalid);
    assert_eq!(server.number("SELECT count(*) FROM {ns}.objects").await, 0, "it is left alone");
    server.run("DROP TABLE {ns}.objects").await;

    let backend = server.connect().await;
    backend.check(&CheckOptions::default()).await.unwrap();
    server.run("UPDATE {ns}.store SET schema_version = 2").await;
    assert_eq!(server.config().connect().await.unwrap_err().kind(), ErrorKind::Invalid);
    server.run("UPDATE {ns}.store SET schema_version = 1, name = 'another'").await;
    assert_eq!(backend.check(&CheckOptions::default()).await.unwrap_err().kind(), ErrorKind::Poisoned);
    server.run("DROP SCHEMA {ns} CASCADE").await;
    assert_eq!(backend.check(&CheckOptions::default()).await.unwrap_err().kind(), ErrorKind::NotFound);
    let error = backend.write(&key("a"), "x".into(), &WriteOptions::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn locks_and_time_are_bounded_and_streams_hold_connections() {
    let Some(server) = server() else { return };
    let config = server.config().with_lock_timeout(Duration::from_millis(100)).with_connections_max(2);
    let backend = config.with_acquire_timeout(Duration::from_millis(300)).connect().await.unwrap();
    applied(write(&backend, "a", body(3_000_000), Condition::None).await);
    let mut other = PgConnection::connect(&server.url).await.unwrap();
    let lock = format!("BEGIN; SELECT 1 FROM {}.objects FOR UPDATE", server.namespace);
    other.execute(sqlx::raw_sql(&lock)).await.unwrap();
    let error = backend.write(&key("a"), "y".into(), &WriteOptions::default()).await.unwrap_err();
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Conflict, Retry::Later), "{error:?}");
    other.execute(sqlx::raw_sql("ROLLBACK")).await.unwrap();

    let streams = [
        backend.read(&key("a"), &ReadOptions::default()).await.unwrap(),
        backend.read(&key("a"), &ReadOptions::default()).await.unwrap(),
    ];
    let error = backend.stat(&key("a"), &StatOptions::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    drop(streams);
    assert_eq!(names(&backend, "", ListOptions::default()).await, ["a"]);
    server.run("DELETE FROM {ns}.chunks WHERE at = 1").await;
    let lost = bytes(&backend, "a", ReadOptions::default()).await.unwrap_err();
    assert_eq!(lost.kind(), ErrorKind::Corrupt, "{lost:?}");
    backend.close().await;
    let closed = backend.stat(&Key::new("a").unwrap(), &StatOptions::default()).await.unwrap_err();
    assert_eq!(closed.kind(), ErrorKind::Poisoned, "{closed:?}");
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn writers_of_a_lost_connection_leave_nothing_that_stays() {
    let Some(server) = server() else { return };
    let eager = || server.config().with_abandoned_after(Duration::ZERO);
    let backend = server.connect().await;
    let begin = || async {
        let mut writer = backend.open_writer(&key("a"), &WriteOptions::default()).await.unwrap();
        writer.write(body(3_000_000).into()).await.unwrap();
        writer
    };
    begin().await.abort().await.unwrap();
    assert_eq!(server.number("SELECT count(*) FROM {ns}.chunks").await, 0, "aborted");
    drop(begin().await);
    // The removal after a drop goes on by itself.
    for _ in 0..500 {
        if server.number("SELECT count(*) FROM {ns}.chunks").await == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(server.number("SELECT count(*) FROM {ns}.chunks").await, 0, "dropped");
    let (mut one, two) = (begin().await, begin().await);
    std::mem::forget(begin().await);
    assert_eq!(server.connect().await.sweep().await.unwrap(), 0, "not yet");
    assert_eq!(eager().connect().await.unwrap().sweep().await.unwrap(), 0, "connecting swept them");
    assert_eq!(server.number("SELECT count(*) FROM {ns}.chunks").await, 0, "swept");
    assert_eq!(one.write(body(3_000_000).into()).await.unwrap_err().kind(), ErrorKind::Poisoned);
    assert_eq!(one.commit().await.unwrap_err().kind(), ErrorKind::Poisoned);
    assert_eq!(two.commit().await.unwrap_err().kind(), ErrorKind::Poisoned);
    assert_eq!(backend.stat(&key("a"), &StatOptions::default()).await.unwrap_err().kind(), ErrorKind::NotFound);
    applied(parts(&backend, "a", &WriteOptions::default()).await);
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_is_given_up_while_it_begins_leaves_no_transaction_behind() {
    let Some(server) = server() else { return };
    let (direct, proxy) = (server.connect().await, Proxy::start(&server.url).await);
    let config = PostgresConfig::from_uri(&proxy.url).unwrap().with_namespace(&server.namespace).unwrap();
    let through = config.with_connections_max(1).connect().await.unwrap();

    let (a, b) = (key("a"), key("b"));
    proxy.set(Trouble::HoldBegin);
    let options = WriteOptions::default();
    tokio::select! {
        outcome = through.write(&a, "x".into(), &options) => panic!("{outcome:?}"),
        () = proxy.held() => {}
    }
    proxy.set(Trouble::Nothing);
    let mut writer = through.open_writer(&b, &options).await.unwrap();
    writer.write(body(1 << 20).into()).await.unwrap();
    assert_eq!(server.number("SELECT count(*) FROM {ns}.chunks").await, 4, "staged for all to see");
    applied(writer.commit().await.unwrap());

    proxy.set(Trouble::HoldBegin);
    let options = ReadOptions::default().with_range(worldstore_core::ReadRange::From(0));
    tokio::select! {
        reply = through.read(&b, &options) => panic!("{:?}", reply.map(|reply| reply.meta)),
        () = proxy.held() => {}
    }
    proxy.set(Trouble::Nothing);
    assert_eq!(through.stat(&b, &StatOptions::default()).await.unwrap().size, 1 << 20);
    applied(write(&direct, "b", "new", Condition::None).await);
    assert_eq!(through.stat(&b, &StatOptions::default()).await.unwrap().size, 3, "the present state");
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_whose_staged_bytes_are_missing_is_not_published() {
    let Some(server) = server() else { return };
    let backend = server.connect().await;
    let mut writer = backend.open_writer(&key("a"), &WriteOptions::default()).await.unwrap();
    writer.write(body(3_000_000).into()).await.unwrap();
    server.run("DELETE FROM {ns}.chunks WHERE at = 2").await;
    assert_eq!(writer.commit().await.unwrap_err().kind(), ErrorKind::Poisoned);
    assert_eq!(backend.stat(&key("a"), &StatOptions::default()).await.unwrap_err().kind(), ErrorKind::NotFound);
    server.end().await;
}

#[test]
fn a_stream_may_be_dropped_outside_of_a_runtime() {
    let Some(server) = server() else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let backend = runtime.block_on(server.config().with_connections_max(1).connect()).unwrap();
    runtime.block_on(async { applied(write(&backend, "a", body(3_000_000), Condition::None).await) });
    let reply = runtime.block_on(backend.read(&key("a"), &ReadOptions::default())).unwrap();
    drop(reply);
    runtime.block_on(async { assert_eq!(names(&backend, "", ListOptions::default()).await, ["a"]) });
    drop(backend);
    runtime.block_on(server.end());
}

#[tokio::test]
async fn the_longest_times_are_for_ever() {
    let Some(server) = server() else { return };
    let config = server.config().with_acquire_timeout(Duration::MAX).with_abandoned_after(Duration::MAX);
    let config = config.with_statement_timeout(Duration::MAX).with_lock_timeout(Duration::MAX);
    let backend = config.connect().await.unwrap();
    applied(write(&backend, "a", "x", Condition::None).await);
    server.end().await;
}
