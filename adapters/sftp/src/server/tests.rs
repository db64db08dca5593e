//! What is declared for which server.

use super::*;

const ALL: Server = Server { replaces: true, links: true, copies: true, durable: true };

#[test]
fn what_is_declared_follows_from_the_extensions() {
    let all = ALL.capability();
    assert!(all.write && all.write_if_absent && all.rename && !all.rename_if_absent && all.durable);
    assert!(all.copy && all.copy_if_absent && all.list_sorted);
    let without_links = Server { links: false, ..ALL }.capability();
    assert!(without_links.write && without_links.copy && without_links.rename);
    assert!(!without_links.write_if_absent && !without_links.copy_if_absent);
    let without_copies = Server { copies: false, ..ALL }.capability();
    assert!(!without_copies.copy && !without_copies.copy_if_absent && without_copies.write_if_absent);
    assert!(!Server { durable: false, ..ALL }.capability().durable);
    let read_only = Server { replaces: false, ..ALL }.capability();
    let mut listing_only = Capability::default();
    listing_only.list_sorted = true;
    assert_eq!(read_only, listing_only);
    for capability in [all, without_links, without_copies, read_only] {
        assert!(!capability.versions && !capability.write_if_match && !capability.write_tokens);
    }
}

#[test]
fn a_server_that_can_less_than_before_is_noticed() {
    assert!(ALL.covers(&ALL));
    for less in [
        Server { replaces: false, ..ALL },
        Server { links: false, ..ALL },
        Server { copies: false, ..ALL },
        Server { durable: false, ..ALL },
    ] {
        assert!(ALL.covers(&less) && !less.covers(&ALL), "{less:?}");
    }
}
