//! What is told of a server that lets nobody in.

use russh::MethodKind;

use super::*;

#[test]
fn what_a_server_accepts_is_told_by_its_names() {
    let both = MethodSet::from(&[MethodKind::PublicKey, MethodKind::KeyboardInteractive][..]);
    let error = refused("me", methods(&both), None);
    let context: Vec<_> = error.context().collect();
    assert_eq!(context, [("user", "me"), ("server_accepts", "publickey keyboard-interactive")]);
    let error = refused("me", methods(&MethodSet::empty()), None);
    assert_eq!(error.context().collect::<Vec<_>>(), [("user", "me")]);
}
