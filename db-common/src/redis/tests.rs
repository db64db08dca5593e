//! Errors of a server, limits, and a server that goes away.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use redis::ErrorKind as RedisErrorKind;

use super::*;

const SOON: Limits =
    Limits { connections_max: 2, connect_timeout: Duration::from_secs(5), command_timeout: Duration::from_millis(300) };

/// A server of one command: it counts calls, and drops the connection at those that it is told to.
fn serve(drop_at: &'static [usize]) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, calls) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&calls);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let counted = Arc::clone(&counted);
            thread::spawn(move || answer(stream, &counted, drop_at));
        }
    });
    (address, calls)
}

fn answer(mut stream: TcpStream, counted: &AtomicUsize, drop_at: &[usize]) -> Option<()> {
    let mut lines = BufReader::new(stream.try_clone().ok()?).lines();
    while let Some(Ok(head)) = lines.next() {
        let parts: usize = head.strip_prefix('*')?.parse().ok()?;
        let words: Vec<String> = lines.by_ref().take(2 * parts).flatten().collect();
        let is_count = words.get(1).is_some_and(|word| word == "COUNT");
        let number = if is_count { counted.fetch_add(1, Ordering::SeqCst) + 1 } else { 0 };
        if drop_at.contains(&number) {
            return None;
        }
        let reply = if is_count { format!(":{number}\r\n") } else { "+OK\r\n".to_owned() };
        stream.write_all(reply.as_bytes()).ok()?;
    }
    Some(())
}

fn pool(address: SocketAddr) -> Pool {
    Pool::new(format!("redis://{address}"), SOON).unwrap()
}

fn count(connection: &mut redis::Connection) -> redis::RedisResult<usize> {
    redis::cmd("COUNT").query(connection)
}

#[test]
fn a_question_is_asked_again_and_a_change_is_not() {
    let (address, calls) = serve(&[2, 4]);
    let pool = pool(address);
    assert_eq!(pool.ask(count).unwrap(), 1);
    assert_eq!(pool.ask(count).unwrap(), 3);
    let error = pool.change(count).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OutcomeUnknown);
    assert_eq!(calls.load(Ordering::SeqCst), 4);
    assert_eq!(pool.change(count).unwrap(), 5);
}

#[test]
fn a_call_waits_for_a_connection_and_no_longer_than_a_command_may_take() {
    let (address, _) = serve(&[]);
    let pool = pool(address);
    let hold = |time| {
        pool.ask(|connection| {
            thread::sleep(time);
            count(connection)
        })
    };
    thread::scope(|scope| {
        let held: Vec<_> = (0..2).map(|_| scope.spawn(|| hold(Duration::from_secs(2)))).collect();
        thread::sleep(Duration::from_millis(300));
        let begun = Instant::now();
        let error = pool.ask(count).unwrap_err();
        assert_eq!(error.to_string(), "unavailable: all connections are in use, connections_max: 2");
        assert!(begun.elapsed() >= SOON.command_timeout);
        for held in held {
            held.join().unwrap().unwrap();
        }
    });
    pool.ask(count).unwrap();
}

#[test]
fn limits_are_not_zero() {
    let of = |limits| Pool::new("redis://127.0.0.1:1", limits).map(drop);
    for limits in [
        Limits { connections_max: 0, ..Limits::default() },
        Limits { connect_timeout: Duration::ZERO, ..Limits::default() },
        Limits { command_timeout: Duration::ZERO, ..Limits::default() },
    ] {
        assert_eq!(of(limits).unwrap_err().to_string(), "invalid: a limit is zero");
    }
    of(Limits::default()).unwrap();
    assert_eq!(Pool::new("http://127.0.0.1", Limits::default()).unwrap_err().kind(), ErrorKind::Invalid);
}

#[test]
fn nobody_there_is_unavailable() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert_eq!(pool(address).ask(count).unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(pool(address).change(count).unwrap_err().kind(), ErrorKind::Unavailable);
}

#[test]
fn errors_have_kinds() {
    for (error, kind) in [
        (RedisErrorKind::Io, ErrorKind::Unavailable),
        (RedisErrorKind::Parse, ErrorKind::Unavailable),
        (RedisErrorKind::AuthenticationFailed, ErrorKind::PermissionDenied),
        (RedisErrorKind::InvalidClientConfig, ErrorKind::Invalid),
        (RedisErrorKind::UnexpectedReturnType, ErrorKind::Corrupt),
        (RedisErrorKind::Server(ServerErrorKind::BusyLoading), ErrorKind::Unavailable),
        (RedisErrorKind::Server(ServerErrorKind::NoPerm), ErrorKind::PermissionDenied),
        (RedisErrorKind::Server(ServerErrorKind::ResponseError), ErrorKind::Unexpected),
    ] {
        assert_eq!(translate(RedisError::from((error, "planted"))).kind(), kind, "{error:?}");
    }
}

#[test]
fn namespaces_are_plain() {
    for name in ["a", "worlds/2", &"a".repeat(128)] {
        check_namespace(name).unwrap();
    }
    for name in ["", "a b", "{a}", "ä", &"a".repeat(129)] {
        assert_eq!(check_namespace(name).unwrap_err().kind(), ErrorKind::Invalid, "{name}");
    }
}
