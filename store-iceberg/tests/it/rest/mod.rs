//! A catalog behind the REST protocol: the kit, races, the fence, and answers that are lost or refuse.

mod pyiceberg;
mod server;

use std::sync::Arc;

use iceberg::spec::{NestedField, SnapshotReference};
use worldstore_async::AsyncBackend;
use worldstore_async::table::AsyncTableBackend;
use worldstore_async::table::conformance::check;
use worldstore_core::table::conformance::{Profile, Unsigned};
use worldstore_core::table::*;
use worldstore_core::{ErrorKind, Prefix};
use worldstore_iceberg::{CatalogLocation, IcebergConfig, IcebergTables, OrphanOptions};

use crate::{LOCATION, ids, memory_backend, name, objects, rows, schema};
use server::{Server, Trouble};

async fn open(uri: &str, backend: &Arc<dyn AsyncBackend>) -> IcebergTables {
    let config = IcebergConfig::new(CatalogLocation::Rest(uri.to_owned()), LOCATION);
    IcebergTables::open(backend.clone(), config).await.unwrap()
}

struct Place {
    server: Server,
    backend: Arc<dyn AsyncBackend>,
    tables: IcebergTables,
    table: TableName,
}

/// A server with a table of one row.
async fn place() -> Place {
    let backend = memory_backend();
    let server = Server::start(backend.clone()).await;
    let tables = open(&server.uri, &backend).await;
    let table = name("items");
    tables.create(&table, &CreateOptions::new(schema())).await.unwrap();
    let _ = tables.append(&table, vec![rows([0])], &AppendOptions::exactly_once(0, 1)).await.unwrap();
    server.requests();
    Place { server, backend, tables, table }
}

const COMMIT: &str = "/tables/items";

#[tokio::test(flavor = "multi_thread")]
async fn conforms_with_a_rest_catalog() {
    let backend = memory_backend();
    let server = Server::start(backend.clone()).await;
    let open = async |place: &str| {
        let namespace = place.replace(|letter: char| !letter.is_alphanumeric(), "_");
        let uri = format!("{}?namespace={namespace}", server.uri);
        let config = IcebergConfig::new(CatalogLocation::Rest(uri), LOCATION).with_prefix(Prefix::new(place)?);
        Ok(Arc::new(IcebergTables::open(backend.clone(), config).await?) as Arc<dyn AsyncTableBackend>)
    };
    println!("{}", check(open, &Profile::format().with_unsigned(Unsigned::Half)).await.unwrap().into_result().unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_writers_of_the_same_step_have_one_winner() {
    let backend = memory_backend();
    let server = Server::start(backend.clone()).await;
    let mut handles = Vec::new();
    for _ in 0..8 {
        handles.push(Arc::new(open(&server.uri, &backend).await));
    }
    let table = name("items");
    handles[0].create(&table, &CreateOptions::new(schema())).await.unwrap();
    crate::race::one_winner_each(&handles, &table, 5).await;
    assert_eq!(ids(&*handles[0], &table, &Scan::all()).await.len(), 5);
}

#[tokio::test]
async fn a_commit_whose_answer_is_lost_is_read_back() {
    for trouble in [Trouble::LoseReply, Trouble::DoneBut(500), Trouble::DoneBut(502), Trouble::DoneBut(504)] {
        let Place { server, backend, tables, table } = place().await;
        server.fail("POST", COMMIT, trouble, 1);
        let receipt = tables.append(&table, vec![rows([1])], &AppendOptions::exactly_once(1, 2)).await.unwrap();
        assert_eq!((receipt.seq, receipt.version), (2, Some(2)), "{trouble:?}");
        let sent = server.requests().iter().filter(|request| request.starts_with("POST")).count();
        assert_eq!(sent, 1, "it was seen to be there and not sent again: {trouble:?}");
        assert_eq!(ids(&open(&server.uri, &backend).await, &table, &Scan::all()).await, [0, 1]);
    }
}

#[tokio::test]
async fn a_commit_without_an_answer_that_did_nothing_is_sent_again() {
    for trouble in [Trouble::Close, Trouble::Status(503), Trouble::Status(500)] {
        let Place { server, tables, table, .. } = place().await;
        server.fail("POST", COMMIT, trouble, 2);
        let _ = tables.append(&table, vec![rows([1])], &AppendOptions::exactly_once(1, 2)).await.unwrap();
        assert_eq!(ids(&tables, &table, &Scan::all()).await, [0, 1], "{trouble:?}");
    }
}

#[tokio::test]
async fn a_server_that_stays_away_leaves_the_outcome_open_and_the_files_there() {
    let Place { server, backend, tables, table } = place().await;
    let before = objects(&backend).await.len();
    server.fail("POST", COMMIT, Trouble::Status(503), usize::MAX);
    let open_end = tables.append(&table, vec![rows([1])], &AppendOptions::exactly_once(1, 2)).await.unwrap_err();
    assert_eq!(open_end.kind(), ErrorKind::OutcomeUnknown, "{open_end:?}");
    assert!(objects(&backend).await.len() >= before + 3, "data, manifest and list stay");
    let at_once = OrphanOptions::default().with_older_than(std::time::Duration::from_secs(3_600));
    assert!(tables.remove_orphans(&table, &at_once).await.unwrap().files.is_empty());
    server.heal();
    // The same step again: it has not happened.
    let _ = tables.append(&table, vec![rows([1])], &AppendOptions::exactly_once(1, 2)).await.unwrap();
    assert_eq!(ids(&tables, &table, &Scan::all()).await, [0, 1]);
}

#[tokio::test]
async fn a_lost_commit_starts_again_from_what_is_there_and_leaves_nothing() {
    let Place { server, backend, tables, table } = place().await;
    let other = open(&server.uri, &backend).await;
    // Refused although nothing has changed: tried again on the same state.
    server.fail("POST", COMMIT, Trouble::Status(409), 1);
    let _ = tables.append(&table, vec![rows([1])], &AppendOptions::exactly_once(1, 2)).await.unwrap();
    // Done, and refused: an attempt in between, of a proxy say, had taken effect.
    server.fail("POST", COMMIT, Trouble::DoneBut(409), 1);
    let _ = tables.append(&table, vec![rows([2])], &AppendOptions::exactly_once(2, 3)).await.unwrap();
    let _ = other.append(&table, vec![rows([3])], &AppendOptions::exactly_once(3, 4)).await.unwrap();
    let files = objects(&backend).await;
    let late = tables.append(&table, vec![rows([9])], &AppendOptions::exactly_once(3, 4)).await.unwrap_err();
    assert_eq!(late.kind(), ErrorKind::ConditionFailed);
    assert_eq!(objects(&backend).await, files);
    assert_eq!(ids(&tables, &table, &Scan::all()).await, [0, 1, 2, 3]);
}

#[tokio::test]
async fn a_removal_whose_answer_is_lost_spares_the_next_table_of_the_name() {
    let Place { server, tables, table, .. } = place().await;
    server.fail("DELETE", COMMIT, Trouble::LoseReply, 1);
    // Somebody makes one of this name just before it is looked at again.
    server.change_at("DELETE", "items", |builder| builder);
    server.change_at("GET", "items", |builder| builder.assign_uuid(uuid::Uuid::new_v4()));
    tables.remove(&table, &RemoveTableOptions::default()).await.unwrap();
    let sent = server.requests().iter().filter(|request| request.starts_with("DELETE")).count();
    assert_eq!(sent, 1, "not sent again");
    tables.describe(&table, &DescribeOptions::default()).await.unwrap();
}

#[tokio::test]
async fn a_column_that_was_made_anew_meanwhile_is_another() {
    let Place { server, tables, table, .. } = place().await;
    server.fail("POST", COMMIT, Trouble::Status(409), 1);
    server.change_at("POST", "items", |builder| {
        let metadata = builder.clone().build().unwrap().metadata;
        let mut fields = metadata.current_schema().as_struct().fields().to_vec();
        let last = fields.pop().unwrap();
        let anew = NestedField { id: metadata.last_column_id() + 1, ..last.as_ref().clone() };
        let fields = fields.into_iter().chain([Arc::new(anew)]);
        let columns = iceberg::spec::Schema::builder().with_fields(fields).build().unwrap();
        builder.add_schema(columns).unwrap().set_current_schema(-1).unwrap()
    });
    let refused = tables.append(&table, vec![rows([1])], &AppendOptions::exactly_once(1, 2)).await.unwrap_err();
    assert!(refused.to_string().contains("changed the table's columns"), "{refused}");
}

#[tokio::test]
async fn what_a_server_refuses_did_not_happen() {
    for (status, kind) in [(400, ErrorKind::Invalid), (403, ErrorKind::PermissionDenied), (429, ErrorKind::Unavailable)]
    {
        let Place { server, backend, tables, table } = place().await;
        let files = objects(&backend).await;
        server.fail("POST", COMMIT, Trouble::Status(status), 1);
        let refused = tables.append(&table, vec![rows([1])], &AppendOptions::exactly_once(1, 2)).await.unwrap_err();
        assert_eq!(refused.kind(), kind, "{refused:?}");
        assert_eq!(objects(&backend).await, files, "nothing is left of it");
        let _ = tables.append(&table, vec![rows([1])], &AppendOptions::exactly_once(1, 2)).await.unwrap();
    }
}

#[tokio::test]
async fn tokens_that_end_are_replaced_and_secrets_are_not_shown() {
    let backend = memory_backend();
    let server = Server::start(backend.clone()).await;
    server.ask_for_token();
    let tables = open(&format!("{}?credential=me:hidden", server.uri), &backend).await;
    let table = name("items");
    tables.create(&table, &CreateOptions::new(schema())).await.unwrap();
    let _ = tables.append(&table, vec![rows([0])], &AppendOptions::exactly_once(0, 1)).await.unwrap();
    // The token ends: the next request, and a commit, ask for another.
    server.ask_for_token();
    let _ = tables.append(&table, vec![rows([1])], &AppendOptions::exactly_once(1, 2)).await.unwrap();
    server.fail("POST", COMMIT, Trouble::Status(419), 1);
    let _ = tables.append(&table, vec![rows([2])], &AppendOptions::exactly_once(2, 3)).await.unwrap();
    assert_eq!(ids(&tables, &table, &Scan::all()).await, [0, 1, 2]);
    for uri in ["credential=me:wrong-hidden", "token=hidden", "scope=x"] {
        let tables = open(&format!("{}?{uri}", server.uri), &backend).await;
        let refused = tables.list(&ListTablesOptions::default()).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::PermissionDenied, "{refused:?}");
        assert!(!format!("{refused:?} {tables:?} {tables}").contains("hidden"));
    }
    for uri in ["rest+ftp://x", "rest+http://", "http://x", "rest+http://x?nose=1", "rest+http://x?namespace=a/b"] {
        let config = IcebergConfig::new(CatalogLocation::Rest(uri.to_owned()), LOCATION);
        let wrong = IcebergTables::open(backend.clone(), config).await.unwrap_err();
        assert_eq!(wrong.kind(), ErrorKind::Invalid, "{uri}");
    }
    let away = open("rest+http://127.0.0.1:1", &backend).await;
    let unreachable = away.list(&ListTablesOptions::default()).await.unwrap_err();
    assert_eq!(unreachable.kind(), ErrorKind::Unavailable, "{unreachable:?}");
}

#[tokio::test]
async fn a_greater_epoch_shuts_out_the_writers_before() {
    let Place { server, backend, tables: old, table } = place().await;
    old.claim(6).await.unwrap();
    let once = |from, to, epoch| AppendOptions::exactly_once(from, to).with_epoch(epoch);
    let _ = old.append(&table, vec![rows([1])], &once(1, 2, 6)).await.unwrap();
    let new = open(&server.uri, &backend).await;
    new.claim(7).await.unwrap();
    let fenced = old.append(&table, vec![rows([9])], &once(2, 3, 6)).await.unwrap_err();
    assert_eq!(fenced.kind(), ErrorKind::Fenced, "{fenced:?}");
    // Also in a table that comes later, whoever makes it.
    let later = name("later");
    old.create(&later, &CreateOptions::new(schema())).await.unwrap();
    let fenced = old.append(&later, vec![rows([9])], &once(0, 1, 6)).await.unwrap_err();
    assert_eq!(fenced.kind(), ErrorKind::Fenced, "{fenced:?}");
    let _ = new.append(&later, vec![rows([9])], &once(0, 1, 7)).await.unwrap();
    let _ = new.append(&table, vec![rows([2])], &once(2, 3, 7)).await.unwrap();
    assert_eq!(old.claim(6).await.unwrap_err().kind(), ErrorKind::Fenced);
    assert_eq!(ids(&new, &table, &Scan::all()).await, [0, 1, 2]);
    let known = new.list(&ListTablesOptions::default()).await.unwrap();
    assert_eq!(known, [table, later], "the fence is no table of ours");
}

#[tokio::test]
async fn a_commit_that_was_under_way_when_a_greater_epoch_came_is_refused() {
    let Place { server, backend, tables: old, table } = place().await;
    old.claim(6).await.unwrap();
    let new = open(&server.uri, &backend).await;
    // The first attempt does not arrive; before the next, the table has another owner.
    server.fail("POST", COMMIT, Trouble::Close, 1);
    let options = AppendOptions::exactly_once(1, 2).with_epoch(6);
    let (appended, claimed) = tokio::join!(old.append(&table, vec![rows([9])], &options), new.claim(7));
    claimed.unwrap();
    let after = ids(&new, &table, &Scan::all()).await;
    match appended {
        // It was before the claim.
        Ok(_) => assert_eq!(after, [0, 9]),
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Fenced, "{error:?}");
            assert_eq!(after, [0]);
        }
    }
    let fenced = old.append(&table, vec![rows([8])], &AppendOptions::default().with_epoch(6)).await.unwrap_err();
    assert_eq!(fenced.kind(), ErrorKind::Fenced);
}

#[tokio::test]
async fn a_server_that_keeps_expired_snapshots_loses_no_file() {
    let Place { server, backend, tables, table } = place().await;
    let _ = tables.append(&table, vec![rows([1])], &AppendOptions::exactly_once(1, 2)).await.unwrap();
    tables.compact(&table, &CompactOptions::default()).await.unwrap();
    let files = objects(&backend).await;
    server.fail("POST", COMMIT, Trouble::Forget("remove-snapshots"), 1);
    let kept = tables.expire(&table, &ExpireOptions::default()).await.unwrap_err();
    assert_eq!(kept.kind(), ErrorKind::OutcomeUnknown, "{kept:?}");
    let still: Vec<_> = objects(&backend).await;
    assert!(files.iter().all(|file| still.contains(file)), "nothing is deleted");
    let expired = tables.expire(&table, &ExpireOptions::default()).await.unwrap();
    assert!(!expired.versions.is_empty());
    assert_eq!(ids(&open(&server.uri, &backend).await, &table, &Scan::all()).await, [0, 1]);
    let left = objects(&backend).await;
    assert!(left.len() < still.len());
    assert!(left.iter().filter(|file| file.ends_with(".metadata.json")).count() > 3, "metadata is the server's");
}

#[tokio::test]
async fn a_rollback_is_noticed() {
    let Place { server, backend, tables, table } = place().await;
    let first = tables.history(&table, &HistoryOptions::default()).await.unwrap();
    assert_eq!(first.len(), 2);
    let mut first_id = 0;
    server.change("items", |builder| {
        first_id = builder.clone().build().unwrap().metadata.current_snapshot_id().unwrap();
        builder
    });
    let _ = tables.append(&table, vec![rows([1])], &AppendOptions::exactly_once(1, 2)).await.unwrap();
    server.change("items", |builder| {
        let retention = iceberg::spec::SnapshotRetention::branch(None, None, None);
        builder.set_ref("main", SnapshotReference::new(first_id, retention)).unwrap()
    });
    let again = open(&server.uri, &backend).await;
    let error = again.append(&table, vec![rows([1])], &AppendOptions::exactly_once(1, 2)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error:?}");
}

#[tokio::test]
async fn tables_are_removed_and_a_lost_catalog_is_made_again() {
    let Place { server, backend, tables, table } = place().await;
    let gone = name("gone");
    tables.create(&gone, &CreateOptions::new(schema())).await.unwrap();
    server.fail("DELETE", "/tables/gone", Trouble::LoseReply, 1);
    tables.remove(&gone, &RemoveTableOptions::default()).await.unwrap();
    assert_eq!(tables.list(&ListTablesOptions::default()).await.unwrap(), std::slice::from_ref(&table));
    assert!(!objects(&backend).await.iter().any(|file| file.contains("/gone/")));
    // Another server knows nothing of them.
    let other = Server::start(backend.clone()).await;
    let again = open(&other.uri, &backend).await;
    let lost = again.list(&ListTablesOptions::default()).await.unwrap_err();
    assert_eq!(lost.kind(), ErrorKind::Corrupt, "{lost:?}");
    let recovery = again.recover_catalog().await.unwrap();
    assert_eq!((recovery.tables.len(), recovery.unclear.len()), (1, 0));
    let _ = again.append(&table, vec![rows([1])], &AppendOptions::exactly_once(1, 2)).await.unwrap();
    assert_eq!(ids(&again, &table, &Scan::all()).await, [0, 1]);
}

#[tokio::test]
async fn a_table_of_a_name_that_is_none_of_ours_is_seen_in_the_folder() {
    let Place { server, backend, tables, table } = place().await;
    let at_once = OrphanOptions::default().with_older_than(std::time::Duration::ZERO);
    for backup in ["items-backup", "items/50 %"] {
        server.enter_again("items", backup);
        let refused = tables.remove_orphans(&table, &at_once).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Unsupported);
        assert!(refused.message().contains("in the same folder"), "{refused}");
        assert!(refused.context().any(|told| told == ("other", backup)), "{refused}");
        server.change(backup, |builder| builder.set_location(format!("{LOCATION}/elsewhere")));
        tables.remove_orphans(&table, &at_once).await.unwrap();
    }
    assert_eq!(tables.list(&ListTablesOptions::default()).await.unwrap(), std::slice::from_ref(&table));
    assert_eq!(ids(&open(&server.uri, &backend).await, &table, &Scan::all()).await, [0]);
}

#[tokio::test]
async fn a_list_that_breaks_off_is_an_error_and_no_empty_one() {
    let Place { server, tables, table, .. } = place().await;
    let all = ListTablesOptions::default();
    // The page after is the same one again.
    server.fail("GET", "/tables", Trouble::More, 1);
    assert_eq!(tables.list(&all).await.unwrap(), std::slice::from_ref(&table));
    server.fail("GET", "/tables", Trouble::More, 1);
    server.fail("GET", "/tables?pageToken=more", Trouble::Status(404), 1);
    let broken_off = tables.list(&all).await.unwrap_err();
    assert_eq!(broken_off.kind(), ErrorKind::Unavailable, "{broken_off:?}");
    assert_eq!(tables.list(&all).await.unwrap(), [table]);
}

#[tokio::test]
async fn a_table_that_came_out_otherwise_is_taken_out_again_or_named() {
    let Place { server, tables, table, .. } = place().await;
    let (later, options) = (name("later"), CreateOptions::new(schema()));
    for (trouble, is_left) in [(None, false), (Some(Trouble::LoseReply), false), (Some(Trouble::Status(403)), true)] {
        server.fail("POST", "/tables", Trouble::Forget("set-properties"), 1);
        if let Some(trouble) = trouble {
            server.fail("DELETE", "/tables/later", trouble, 1);
        }
        let refused = tables.create(&later, &options).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Unsupported, "{refused:?}");
        let left = refused.context().find(|(key, _)| *key == "left_behind").map(|(_, pointer)| pointer);
        assert_eq!(left.is_some(), is_left, "{refused}");
        assert!(left.is_none_or(|pointer| pointer.starts_with("test://root/world/later/metadata/")), "{refused}");
        let known = tables.list(&ListTablesOptions::default()).await.unwrap();
        assert_eq!(known.contains(&later), is_left, "{trouble:?}");
        assert!(known.contains(&table));
    }
}

#[test]
fn the_page_of_settings_names_each_parameter_and_no_other() {
    let uri = "rest+http://127.0.0.1:1/?nobody=knows".to_owned();
    let error = CatalogLocation::Rest(uri).check().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    let known = error.context().find(|(key, _)| *key == "known").unwrap().1;
    let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../src/docs/config.md");
    let page = std::fs::read_to_string(page).unwrap();
    let (_, after) = page.split_once("Settings of a REST catalog").unwrap();
    let rows =
        after.lines().skip_while(|line| !line.starts_with("|---")).skip(1).take_while(|line| line.starts_with('|'));
    let named: Vec<&str> = rows.map(|row| row.split('`').nth(1).unwrap()).collect();
    assert_eq!(named.join(" "), known);
}
