//! Tests of reading `/etc/passwd`.

use super::*;

const USERS: &str = "root:x:0:0:root:/root:/bin/bash\n# a comment\nbroken:x:one:1::/:/bin/sh\n\
                     daemon:x:1:12:daemon:/usr/sbin:/usr/sbin/nologin\nsecond:x:1:99::/:/bin/sh\n";

#[test]
fn the_first_user_that_fits_is_taken() {
    let daemon = User { name: "daemon".into(), uid: 1, gid: 12 };
    assert_eq!(User::find(USERS, |user| user.uid == 1), Some(daemon.clone()));
    assert_eq!(User::find(USERS, |user| user.name == "daemon"), Some(daemon));
}

#[test]
fn lines_that_are_no_users_are_passed_over() {
    assert_eq!(User::find(USERS, |user| user.name == "broken"), None);
    assert_eq!(User::find("", |_| true), None);
}
