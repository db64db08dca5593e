//! Settings that are right, and those that are not.

use super::*;

fn settings() -> Settings {
    let settings =
        Settings::default().with("flag", "yes").with("number", "-1").with("zero", "0").with("secret", "hidden");
    settings.with_origin("file", "hidden".to_owned(), "worldstore.toml:3".to_owned())
}

#[test]
fn wrong_values_are_named_and_not_shown() {
    let settings = settings();
    let errors = [
        settings.flag("flag").unwrap_err(),
        settings.number("number").unwrap_err(),
        settings.millis("zero").unwrap_err(),
        settings.pair("secret", "missing").unwrap_err(),
        settings.pair("missing", "secret").unwrap_err(),
        settings.one_of(&["flag", "secret"]).unwrap_err(),
        settings.flag("file").unwrap_err(),
    ];
    for error in &errors {
        let shown = format!("{error} {error:?}");
        assert!(shown.contains("setting: ") && !shown.contains("hidden") && !shown.contains("yes"), "{shown}");
    }
    assert!(errors[6].to_string().contains("at: worldstore.toml:3"), "{}", errors[6]);
    assert!(!format!("{settings:?}").contains("hidden") && format!("{settings:?}").contains("secret"));
}

#[test]
fn values_are_read() {
    let settings = settings().with("flag", "true").with("number", "250");
    assert_eq!(settings.flag("flag").unwrap(), Some(true));
    assert_eq!(settings.millis("number").unwrap(), Some(Duration::from_millis(250)));
    assert_eq!(settings.number("missing").unwrap(), None);
    assert_eq!(settings.pair("secret", "file").unwrap(), Some(("hidden", "hidden")));
    assert_eq!(settings.one_of(&["missing", "secret"]).unwrap(), Some(("secret", "hidden")));
    let other = Settings::default().with("number", "9");
    assert_eq!(settings.with_all(&other).text("number"), Some("9"));
}
