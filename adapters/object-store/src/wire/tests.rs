//! What is read out of replies.

use super::*;

fn response(status: u16, headers: &[(&str, &str)]) -> HttpResponse {
    let mut response = http::Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    response.body(bytes::Bytes::new().into()).expect("a response")
}

#[test]
fn a_redirect_to_the_same_name_with_a_slash_is_a_folder() {
    for (location, expected) in [
        ("http://host:80/a/b/", Some(Hint::Folder)),
        ("/a/b/", Some(Hint::Folder)),
        ("/a/b/?x=1", Some(Hint::Folder)),
        ("/a/c/", None),
        ("http://host/", None),
        ("http://host", None),
    ] {
        assert_eq!(hint(&response(301, &[("location", location)]), "/a/b"), expected, "{location}");
    }
}

#[test]
fn codes_of_azure_and_pauses_are_understood() {
    assert_eq!(hint(&response(409, &[("x-ms-error-code", "BlobAlreadyExists")]), ""), Some(Hint::BlobExists));
    assert_eq!(hint(&response(400, &[("x-ms-error-code", "InvalidBlockList")]), ""), Some(Hint::BlocksGone));
    assert_eq!(hint(&response(409, &[("x-ms-error-code", "LeaseAlreadyPresent")]), ""), None);
    assert_eq!(hint(&response(202, &[("x-ms-copy-status", "pending")]), ""), Some(Hint::CopyGoesOn));
    assert_eq!(hint(&response(202, &[("x-ms-copy-status", "success")]), ""), None);
    assert_eq!(retry_after(&response(503, &[("retry-after", "7")])), Some(Duration::from_secs(7)));
    assert_eq!(retry_after(&response(503, &[("retry-after", "Fri, 31 Dec 1999 23:59:59 GMT")])), None);
}
