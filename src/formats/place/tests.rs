//! Secrets are never kept.

use super::{has_secret, resolve};

#[test]
fn secrets_have_to_be_variables() {
    for open in
        ["postgres://me:word@host/db#t", "rest+https://host/api?token=abc#t", "rest+https://host/api?credential=id:abc"]
    {
        assert!(has_secret(open), "{open}");
        let error = resolve(open).unwrap_err();
        assert!(!error.to_string().contains("word") && !error.to_string().contains("abc"), "{error}");
    }
    for kept in [
        "postgres://me:${WORD}@host/db#t",
        "rest+https://host/api?namespace=a&token=${TOKEN}#t",
        "rest+https://host/api?credential=id:${SECRET}#t",
        "s3://bucket/wh/t/metadata/1.metadata.json",
        "/data/cars.lance",
    ] {
        assert!(!has_secret(kept), "{kept}");
    }
    assert!(resolve("s3://${NO_SUCH_VARIABLE_HERE}/t").unwrap_err().to_string().contains("NO_SUCH_VARIABLE_HERE"));
}
