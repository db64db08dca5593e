//! What the answers of a server, and its silence, are taken for; limits of pools; names of schemas.

use std::borrow::Cow;
use std::fmt;

use sqlx::error::{DatabaseError, ErrorKind as Class};

use super::*;

/// An answer with a SQLSTATE.
#[derive(Debug)]
struct Answer(Option<&'static str>);

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "state {:?}", self.0)
    }
}

impl std::error::Error for Answer {}

impl DatabaseError for Answer {
    fn message(&self) -> &str {
        "refused"
    }

    fn code(&self) -> Option<Cow<'_, str>> {
        self.0.map(Cow::Borrowed)
    }

    fn as_error(&self) -> &(dyn std::error::Error + Send + Sync + 'static) {
        self
    }

    fn as_error_mut(&mut self) -> &mut (dyn std::error::Error + Send + Sync + 'static) {
        self
    }

    fn into_error(self: Box<Self>) -> Box<dyn std::error::Error + Send + Sync + 'static> {
        self
    }

    fn kind(&self) -> Class {
        Class::Other
    }
}

fn answer(state: &'static str) -> ClientError {
    ClientError::Database(Box::new(Answer(Some(state))))
}

#[test]
fn states_have_kinds() {
    for (state, kind) in [
        ("40001", ErrorKind::Conflict),
        ("40P01", ErrorKind::Conflict),
        ("55P03", ErrorKind::Conflict),
        ("57014", ErrorKind::Unavailable),
        ("57P01", ErrorKind::Unavailable),
        ("25P03", ErrorKind::Unavailable),
        ("53300", ErrorKind::Unavailable),
        ("53100", ErrorKind::StorageFull),
        ("42501", ErrorKind::PermissionDenied),
        ("25006", ErrorKind::PermissionDenied),
        ("28P01", ErrorKind::PermissionDenied),
        ("3D000", ErrorKind::NotFound),
        ("3F000", ErrorKind::NotFound),
        ("42P01", ErrorKind::NotFound),
        ("XX001", ErrorKind::Corrupt),
        ("22012", ErrorKind::Unexpected),
        ("", ErrorKind::Unexpected),
    ] {
        assert_eq!(translate(answer(state)).kind(), kind, "{state}");
    }
}

#[test]
fn the_clients_errors_have_kinds() {
    let io = || std::io::Error::from(std::io::ErrorKind::ConnectionReset);
    for (error, kind) in [
        (ClientError::Io(io()), ErrorKind::Unavailable),
        (ClientError::WorkerCrashed, ErrorKind::Unavailable),
        (ClientError::PoolTimedOut, ErrorKind::Unavailable),
        (ClientError::PoolClosed, ErrorKind::Poisoned),
        (ClientError::Tls(Box::new(io())), ErrorKind::Unavailable),
        (ClientError::Configuration(Box::new(io())), ErrorKind::Invalid),
        (ClientError::RowNotFound, ErrorKind::Unexpected),
    ] {
        let name = error.to_string();
        assert_eq!(translate(error).kind(), kind, "{name}");
    }
}

#[test]
fn own_meanings_come_first_and_only_for_answers() {
    let own = |state: &str| (state == "42P01").then_some((ErrorKind::Invalid, "the table of another"));
    assert_eq!(translate_with(answer("42P01"), own).message(), "the table of another");
    assert_eq!(translate_with(answer("3F000"), own).message(), "the schema does not exist");
    let every = |_: &str| Some((ErrorKind::Invalid, "an answer"));
    assert_eq!(translate_with(ClientError::PoolClosed, every).kind(), ErrorKind::Poisoned);
}

#[test]
fn a_commit_is_clear_only_where_the_server_says_so() {
    for (state, unclear) in [("40001", false), ("23505", false), ("08006", true), ("57P01", true), ("", true)] {
        assert_eq!(is_unclear(&answer(state)), unclear, "{state}");
    }
    assert!(is_unclear(&ClientError::Database(Box::new(Answer(None)))));
    assert!(is_unclear(&ClientError::WorkerCrashed));
}

#[test]
fn the_cause_is_kept() {
    let error = translate(answer("40001")).with("table", "agents");
    assert_eq!(cause(&error).and_then(state).as_deref(), Some("40001"));
    assert!(cause(&Error::invalid("ours alone")).is_none());
}

#[test]
fn names_of_schemas_are_plain() {
    for name in ["a", "worlds_2", &"a".repeat(SCHEMA_BYTES_MAX)] {
        check_schema("schema", name).unwrap();
    }
    for name in ["", "2worlds", "_a", "Worlds", "a-b", "a\"b", "ä", "pg_toast", &"a".repeat(SCHEMA_BYTES_MAX + 1)] {
        let error = check_schema("place", name).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{name}");
        assert!(error.to_string().ends_with(&format!("place: {name}")), "{error}");
    }
}

#[test]
fn pools_need_a_runtime() {
    let error = pool_options(1, std::time::Duration::ZERO).unwrap_err();
    assert_eq!(error.to_string(), "unsupported: there is no tokio runtime here");
}

#[tokio::test]
async fn a_pool_may_wait_for_any_time() {
    let pool = pool_options(0, std::time::Duration::MAX).unwrap();
    let pool = pool.connect_lazy("postgres://127.0.0.1:1/none").unwrap();
    // Nobody listens there, and the client goes on trying; it adds the time to its clock first.
    let tried = tokio::time::timeout(std::time::Duration::from_millis(50), pool.acquire()).await;
    assert!(tried.is_err());
}
