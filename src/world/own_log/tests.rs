//! One log for a world, until it is given up.

use std::sync::Arc;

use serde_json::{Value, json};
use worldstore_async::AsyncMemory;
use worldstore_core::{ErrorKind, Result};

use super::{GIVEN_UP_MAX, KEY, Logs, OwnLog};
use crate::storage::Storage;
use crate::world::{IfOpen, document};

fn own(id: &str) -> OwnLog {
    OwnLog { id: id.to_owned(), place: format!("/logs/{id}") }
}

fn storage() -> Storage {
    Storage::from_async(Arc::new(AsyncMemory::new()), "memory:")
}

async fn claim(storage: &Storage, own: Option<&OwnLog>, if_open: IfOpen) -> Result<()> {
    OwnLog::check(own.cloned(), storage, if_open).await?.take(storage, 0).await
}

async fn expect_refused(storage: &Storage, own: Option<&OwnLog>, said: &str) {
    let refused = claim(storage, own, IfOpen::Refuse).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConditionFailed);
    assert!(refused.to_string().contains(said), "{refused}");
}

#[tokio::test]
async fn a_world_keeps_its_log_until_it_is_given_up() {
    let storage = storage();
    let claim = async |own: Option<&OwnLog>, if_open| claim(&storage, own, if_open).await;
    let (one, other) = (own("one"), own("other"));
    claim(None, IfOpen::Refuse).await.unwrap();
    claim(Some(&one), IfOpen::Refuse).await.unwrap();
    claim(Some(&one), IfOpen::Refuse).await.unwrap();
    claim(Some(&OwnLog { place: "/moved".to_owned(), ..one.clone() }), IfOpen::Refuse).await.unwrap();
    for given in [Some(&other), None] {
        expect_refused(&storage, given, "log: /logs/one").await;
    }
    // Nothing is given up before it is noted.
    drop(OwnLog::check(Some(other.clone()), &storage, IfOpen::TakeOver).await.unwrap());
    claim(Some(&one), IfOpen::Refuse).await.unwrap();
    claim(Some(&other), IfOpen::TakeOver).await.unwrap();
    expect_refused(&storage, Some(&one), "log: /logs/other").await;
    // None is as good as another.
    claim(None, IfOpen::TakeOver).await.unwrap();
    claim(None, IfOpen::Refuse).await.unwrap();
    for given in [&one, &other] {
        expect_refused(&storage, Some(given), "has given this log up").await;
    }
    claim(Some(&own("new")), IfOpen::Refuse).await.unwrap();
    expect_refused(&storage, Some(&one), "log: /logs/new").await;
    claim(Some(&one), IfOpen::TakeOver).await.unwrap();
    claim(Some(&one), IfOpen::Refuse).await.unwrap();
}

#[tokio::test]
async fn what_a_log_held_when_it_was_given_up_is_ignored() {
    let storage = storage();
    let (one, other) = (own("one"), own("other"));
    let ignored = async |own: &OwnLog| {
        let note = OwnLog::check(Some(own.clone()), &storage, IfOpen::TakeOver).await.unwrap();
        note.ignored_through(7)
    };
    let take = async |own: Option<&OwnLog>, through| {
        let note = OwnLog::check(own.cloned(), &storage, IfOpen::TakeOver).await.unwrap();
        note.take(&storage, through).await.unwrap();
    };
    assert_eq!(ignored(&one).await, 7, "what is published");
    take(Some(&one), 0).await;
    assert_eq!((ignored(&one).await, ignored(&other).await), (0, 7));
    take(None, 0).await;
    assert_eq!((ignored(&one).await, ignored(&other).await), (u64::MAX, 7));
    take(Some(&one), 12).await;
    assert_eq!((ignored(&one).await, ignored(&other).await), (12, 7), "it has had its numbers");
    take(Some(&other), 7).await;
    assert_eq!((ignored(&one).await, ignored(&other).await), (u64::MAX, 7));
}

#[tokio::test]
async fn a_take_over_that_has_begun_is_ended_by_its_log_or_by_another_take_over() {
    let storage = storage();
    let (one, other, third) = (own("one"), own("other"), own("third"));
    let begin = async |own: Option<&OwnLog>| {
        let note = OwnLog::check(own.cloned(), &storage, IfOpen::TakeOver).await.unwrap();
        note.begin(&storage).await.unwrap();
        note.ignored_through(7)
    };
    // There is nothing to give up.
    assert_eq!(begin(Some(&one)).await, 7);
    claim(&storage, Some(&one), IfOpen::Refuse).await.unwrap();
    assert_eq!(begin(Some(&one)).await, 0);
    claim(&storage, Some(&one), IfOpen::Refuse).await.unwrap();

    for _ in 0..2 {
        assert_eq!(begin(Some(&other)).await, 7);
        for given in [Some(&one), Some(&third), None] {
            expect_refused(&storage, given, "log: /logs/other").await;
        }
        assert!(!OwnLog::check(Some(other.clone()), &storage, IfOpen::Refuse).await.unwrap().is_same());
    }
    assert_eq!(begin(Some(&one)).await, u64::MAX, "what it held may have been taken back");
    assert_eq!(begin(Some(&one)).await, u64::MAX);
    expect_refused(&storage, Some(&other), "log: /logs/one").await;
    assert_eq!(begin(Some(&other)).await, u64::MAX);
    begin(None).await;
    expect_refused(&storage, Some(&other), "log: none").await;
    claim(&storage, None, IfOpen::Refuse).await.unwrap();
    for given in [&one, &other] {
        expect_refused(&storage, Some(given), "has given this log up").await;
    }
    claim(&storage, Some(&third), IfOpen::Refuse).await.unwrap();
}

#[tokio::test]
async fn the_document_is_that_of_older_releases_until_a_log_is_given_up() {
    let storage = storage();
    let old = json!({"id": "one", "place": "/logs/one"});
    document::create(&storage.backend, KEY, &old).await.unwrap();
    expect_refused(&storage, Some(&own("other")), "log: /logs/one").await;
    claim(&storage, Some(&own("one")), IfOpen::Refuse).await.unwrap();
    let fields = async || document::read::<Value>(&storage.backend, KEY).await.unwrap();
    assert_eq!(fields().await, old);
    document::remove(&storage.backend, KEY).await.unwrap();
    claim(&storage, Some(&own("one")), IfOpen::Refuse).await.unwrap();
    assert_eq!(fields().await, old);
    for number in 0..GIVEN_UP_MAX + 10 {
        claim(&storage, Some(&own(&number.to_string())), IfOpen::TakeOver).await.unwrap();
    }
    let Logs { id, given_up, .. } = document::read(&storage.backend, KEY).await.unwrap();
    assert_eq!((id.as_deref(), given_up.len()), (Some("73"), GIVEN_UP_MAX));
    assert_eq!(given_up.last().map(String::as_str), Some("72"));
}
