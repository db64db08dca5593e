//! Spans: one per call or attempt, open for as long as a body is, with what became of it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event as Message, Metadata, Subscriber};

use super::*;

/// Notes every span: its fields, and how many hold it.
#[derive(Debug, Default, Clone)]
struct Notes {
    next: Arc<AtomicU64>,
    spans: Arc<Mutex<HashMap<u64, Span>>>,
}

#[derive(Debug, Default, Clone)]
struct Span {
    fields: HashMap<&'static str, String>,
    holders: usize,
}

impl Visit for Span {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.fields.insert(field.name(), format!("{value:?}").trim_matches('"').to_owned());
    }
}

impl Notes {
    fn change<Value>(&self, id: &Id, change: impl FnOnce(&mut Span) -> Value) -> Value {
        change(self.spans.lock().unwrap().entry(id.into_u64()).or_default())
    }

    /// The span of an operation and a scope, if there is exactly one.
    fn only(&self, scope: &str, operation: &str) -> Span {
        let spans = self.spans.lock().unwrap();
        let is = |span: &&Span| span.fields["scope"] == scope && span.fields["operation"] == operation;
        let found: Vec<_> = spans.values().filter(is).collect();
        assert_eq!(found.len(), 1, "{scope} {operation}: {spans:?}");
        found[0].clone()
    }
}

impl Subscriber for Notes {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "worldstore"
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        let id = Id::from_u64(self.next.fetch_add(1, Ordering::Relaxed) + 1);
        self.change(&id, |span| {
            attributes.record(span);
            span.holders = 1;
        });
        id
    }

    fn record(&self, id: &Id, values: &Record<'_>) {
        self.change(id, |span| values.record(span));
    }

    fn record_follows_from(&self, _id: &Id, _follows: &Id) {}

    fn event(&self, _message: &Message<'_>) {}

    fn enter(&self, _id: &Id) {}

    fn exit(&self, _id: &Id) {}

    fn clone_span(&self, id: &Id) -> Id {
        self.change(id, |span| span.holders += 1);
        id.clone()
    }

    fn try_close(&self, id: Id) -> bool {
        self.change(&id, |span| {
            span.holders -= 1;
            span.holders == 0
        })
    }
}

#[tokio::test]
async fn a_span_is_open_for_as_long_as_its_body_and_tells_what_became_of_it() {
    let notes = Notes::default();
    let _guard = tracing::subscriber::set_default(notes.clone());
    let backend = AsyncTraceBackend::new(memory(), TraceScope::Call);
    put(&backend, "a", "four").await;
    let write = notes.only("call", "write");
    assert_eq!((write.fields["name"].as_str(), write.fields["backend"].as_str()), ("a", "memory"));
    assert_eq!((write.fields["bytes"].as_str(), write.fields["outcome"].as_str()), ("4", "applied"));
    assert_eq!(write.holders, 0);

    let reply = backend.read(&key("a"), &ReadOptions::default()).await.unwrap();
    let open = notes.only("call", "read");
    assert!(open.holders > 0 && !open.fields.contains_key("bytes"));
    drop(reply);
    let closed = notes.only("call", "read");
    assert_eq!((closed.holders, closed.fields["bytes"].as_str()), (0, "0"));

    let mut writer = backend.open_writer(&key("b"), &WriteOptions::default()).await.unwrap();
    writer.write("12".into()).await.unwrap();
    assert!(notes.only("call", "open_writer").holders > 0);
    let _ = writer.commit().await.unwrap();
    let written = notes.only("call", "open_writer");
    assert_eq!((written.holders, written.fields["bytes"].as_str()), (0, "2"));
    assert!(backend.stat(&key("none"), &StatOptions::default()).await.is_err());
    assert!(notes.only("call", "stat").fields["error"].starts_with("not found"));
    assert_eq!(notes.only("call", "stat").fields["error.type"], "not found");
}

#[tokio::test]
async fn a_call_has_a_span_and_so_has_each_attempt() {
    let notes = Notes::default();
    let _guard = tracing::subscriber::set_default(notes.clone());
    let faults = FaultOptions::new(6).with(Class::List, Odds::default().with_error(0.5));
    let stack = AsyncStack::new(memory()).clock(clock()).trace().attempt_trace();
    let backend = stack.faults(faults).retry(RetryOptions::default().with_attempts_max(50)).build();
    for _ in 0..10 {
        backend.list(&Prefix::root(), &ListOptions::default()).await.unwrap();
    }
    let count = |scope: &str| notes.spans.lock().unwrap().values().filter(|span| span.fields["scope"] == scope).count();
    assert_eq!(count("call"), 10);
    let failed = notes.spans.lock().unwrap().values().filter(|span| span.fields.contains_key("error")).count();
    assert!(failed > 0 && count("attempt") == 10 + failed, "{failed} of {}", count("attempt"));
}
