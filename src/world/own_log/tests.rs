//! One log for a world, until it is given up.

use std::sync::Arc;

use worldstore_async::AsyncMemory;
use worldstore_core::ErrorKind;

use super::OwnLog;
use crate::storage::Storage;
use crate::world::IfOpen;

fn own(id: &str) -> OwnLog {
    OwnLog { id: id.to_owned(), place: format!("/logs/{id}") }
}

#[tokio::test]
async fn a_world_keeps_its_log_until_it_is_given_up() {
    let storage = Storage::from_async(Arc::new(AsyncMemory::new()), "memory:");
    let claim = async |own: Option<&OwnLog>, if_open| {
        OwnLog::check(own.cloned(), &storage, if_open).await?.take(&storage).await
    };
    let (one, other) = (own("one"), own("other"));
    claim(None, IfOpen::Refuse).await.unwrap();
    claim(Some(&one), IfOpen::Refuse).await.unwrap();
    claim(Some(&one), IfOpen::Refuse).await.unwrap();
    claim(Some(&OwnLog { place: "/moved".to_owned(), ..one.clone() }), IfOpen::Refuse).await.unwrap();
    for given in [Some(&other), None] {
        let refused = claim(given, IfOpen::Refuse).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ConditionFailed);
        assert!(refused.to_string().contains("log: /logs/one"), "{refused}");
    }
    // Nothing is given up before it is noted.
    drop(OwnLog::check(Some(other.clone()), &storage, IfOpen::TakeOver).await.unwrap());
    claim(Some(&one), IfOpen::Refuse).await.unwrap();
    claim(Some(&other), IfOpen::TakeOver).await.unwrap();
    assert_eq!(claim(Some(&one), IfOpen::Refuse).await.unwrap_err().kind(), ErrorKind::ConditionFailed);
    claim(None, IfOpen::TakeOver).await.unwrap();
    claim(Some(&one), IfOpen::Refuse).await.unwrap();
}
