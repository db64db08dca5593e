//! Tests of the configuration.

use super::*;

#[test]
fn all_that_nginx_keeps_is_in_the_folder() {
    let text = configuration(Path::new("/a folder"), 40123);
    assert!(text.contains("listen 127.0.0.1:40123;"));
    let paths: Vec<&str> = text.lines().filter(|line| line.contains("/a folder")).collect();
    assert_eq!(paths.len(), 7, "{text}");
    assert!(paths.iter().all(|line| line.contains("\"/a folder/")), "{text}");
}
