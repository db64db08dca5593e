//! Spans: one per call or attempt, open for as long as a body is, with what became of it.

use super::notes::Notes;
use super::*;

#[test]
fn a_span_is_open_for_as_long_as_its_body_and_tells_what_became_of_it() {
    let notes = Notes::default();
    let _guard = tracing::subscriber::set_default(notes.clone());
    let backend = TraceBackend::new(memory(), TraceScope::Call);
    put(&backend, "a", "four");
    let write = notes.only("call", "write");
    assert_eq!((write.fields["worldstore.key"].as_str(), write.fields["worldstore.backend"].as_str()), ("a", "memory"));
    assert_eq!(
        (write.fields["worldstore.bytes"].as_str(), write.fields["worldstore.outcome"].as_str()),
        ("4", "applied")
    );
    assert_eq!(write.holders, 0);

    let reply = backend.read(&key("a"), &ReadOptions::default()).unwrap();
    let open = notes.only("call", "read");
    assert!(open.holders > 0 && !open.fields.contains_key("worldstore.bytes"));
    drop(reply);
    let closed = notes.only("call", "read");
    assert_eq!((closed.holders, closed.fields["worldstore.bytes"].as_str()), (0, "0"));

    let mut writer = backend.open_writer(&key("b"), &WriteOptions::default()).unwrap();
    writer.write("12".into()).unwrap();
    assert!(notes.only("call", "open_writer").holders > 0);
    let _ = writer.commit().unwrap();
    let written = notes.only("call", "open_writer");
    assert_eq!((written.holders, written.fields["worldstore.bytes"].as_str()), (0, "2"));
    assert!(backend.stat(&key("none"), &StatOptions::default()).is_err());
    assert_eq!(notes.only("call", "stat").fields["error.message"], "no such object");
    assert_eq!(notes.only("call", "stat").fields["error.type"], "not_found");
}

#[test]
fn a_call_has_a_span_and_so_has_each_attempt() {
    let notes = Notes::default();
    let _guard = tracing::subscriber::set_default(notes.clone());
    let faults = FaultOptions::new(6).with(Class::List, Odds::default().with_error(0.5));
    let stack = Stack::new(memory()).clock(clock()).trace().attempt_trace();
    let backend = stack.faults(faults).retry(RetryOptions::default().with_attempts_max(50)).build();
    for _ in 0..10 {
        backend.list(&Prefix::root(), &ListOptions::default()).unwrap();
    }
    let count = |scope: &str| {
        notes.spans.lock().unwrap().values().filter(|span| span.fields["worldstore.scope"] == scope).count()
    };
    assert_eq!(count("call"), 10);
    let failed = notes.spans.lock().unwrap().values().filter(|span| span.fields.contains_key("error.message")).count();
    assert!(failed > 0 && count("attempt") == 10 + failed, "{failed} of {}", count("attempt"));
}
