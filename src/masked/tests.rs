//! Secrets, also badly escaped ones, are not shown.

use super::*;

#[test]
fn secrets_are_masked() {
    for (uri, shown) in [
        ("redis://me:pass@host/0", "redis://me:***@host/0"),
        ("redis://:p@ss/wo@host/0", "redis://:***@host/0"),
        ("postgres://me:p?ss@host/db?sslmode=require", "postgres://me:***@host/db?sslmode=require"),
        ("postgres://me:p?a=b@host/db?password=abc", "postgres://me:***@host/db?password=***"),
        ("redis://me:pass@host/0?mail=a@b", "redis://me:***@b"),
        ("sftp://me@host/a:b@c", "sftp://me@host/a:b@c"),
        ("s3://bucket/a:b@c", "s3://bucket/a:b@c"),
        ("postgres://host/db?Password=abc&mode=ro", "postgres://host/db?Password=***&mode=ro"),
        ("https://host/a?sv=1&sig=abc", "https://host/a?sv=1&sig=***"),
        ("/a/b@c:d", "/a/b@c:d"),
    ] {
        assert_eq!(masked(uri), shown);
    }
}

#[test]
fn what_may_belong_to_a_secret_is_masked_with_it() {
    for (uri, shown) in [
        // A port, and an `@` in the query.
        ("rest+https://host:8181/c?credential=id:s3cr@t", "rest+https://host:***"),
        ("postgres://host:5432/db?password=p@ssword", "postgres://host:***"),
        ("postgres://host:5432/db?password=p@ssword&mode=ro", "postgres://host:***&mode=ro"),
        ("postgres://host:5432/db?mail=a@b&password=p", "postgres://host:***@b&password=***"),
        ("rest+https://host:8181/c?credential=id:secret", "rest+https://host:8181/c?credential=***"),
        ("postgres://me:pw@host:5432/db?password=p@ss", "postgres://me:***"),
        // A password with characters that end an authority.
        ("postgres://me:p/w@host/db", "postgres://me:***@host/db"),
        ("postgres://me:p?w@host/db", "postgres://me:***@host/db"),
        ("postgres://me:p#w@host/db?mode=ro", "postgres://me:***@host/db?mode=ro"),
        ("postgres://me:p@w@host:5432/db", "postgres://me:***@host:5432/db"),
        ("postgres://me:/?#@&=://@host/db?mode=ro", "postgres://me:***@host/db?mode=ro"),
        ("postgres://me:p?token=w@host/db?mode=ro", "postgres://me:***"),
        ("postgres://me@there:pw@host/db", "postgres://me@there:***@host/db"),
        // Several secrets.
        ("https://host/a?token=t&x=1&sig=a+b/c==&api_key=k", "https://host/a?token=***&x=1&sig=***&api_key=***"),
        ("postgres://me:pw@host/db?password=p&sslkey=k", "postgres://me:***@host/db?password=***&sslkey=***"),
        ("https://host/a?x=1;token=t&y=2", "https://host/a?x=1;token=***&y=2"),
        ("https://host/a?x=1?token=t#y", "https://host/a?x=1?token=***"),
        ("https://host/a#token=t&y=2", "https://host/a#token=***&y=2"),
        // A secret with characters that end a value.
        ("https://host/a?token=t&t&y=2", "https://host/a?token=***&y=2"),
        ("https://host/a?token=t#t?t=t;t", "https://host/a?token=***"),
        // One URI in another.
        ("https://host/a?next=https://me:pw@there/t", "https://host/a?next=https://me:***@there/t"),
        ("postgres://host/db?password=&mode=ro", "postgres://host/db?password=***&mode=ro"),
        ("s3://bucket/a&key=b", "s3://bucket/a&key=b"),
    ] {
        assert_eq!(masked(uri), shown, "{uri}");
        assert_eq!(masked(shown), shown, "masked once more");
    }
}
