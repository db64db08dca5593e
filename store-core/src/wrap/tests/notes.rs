//! Somebody who listens to spans.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event as Message, Metadata, Subscriber};

/// Notes every span: its fields, and how many hold it.
#[derive(Debug, Default, Clone)]
pub struct Notes {
    next: Arc<AtomicU64>,
    pub spans: Arc<Mutex<HashMap<u64, Span>>>,
}

#[derive(Debug, Default, Clone)]
pub struct Span {
    pub fields: HashMap<&'static str, String>,
    pub holders: usize,
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
    pub fn only(&self, scope: &str, operation: &str) -> Span {
        let spans = self.spans.lock().unwrap();
        let is =
            |span: &&Span| span.fields["worldstore.scope"] == scope && span.fields["db.operation.name"] == operation;
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
