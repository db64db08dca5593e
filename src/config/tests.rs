//! Files, keys and variables that are right, and those that are not.

use std::fs;

use worldstore_core::ErrorKind;

use super::*;

fn refused(text: &str) -> String {
    let error = Config::parse(text, "some.toml", &Lookup::none()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    format!("{error:?}")
}

#[test]
fn wrong_keys_are_named_with_their_line() {
    for (text, messages) in [
        ("\nprofiles = 3\n", ["unknown key, at: some.toml:2", "key: profiles"]),
        ("profile = 3\n", ["key is no table", "at: some.toml:1"]),
        ("[profile.a]\nurl = 's3://b'\n", ["profile has no uri, profile: a", "at: some.toml:1"]),
        ("[profile.a]\nuri = 's3://b'\n\nregion = 1.5\n", ["at: some.toml:4, key: region", "profile: a"]),
        ("[profile.a]\nuri = 's3://b'\nregion = ['x']\n", ["at: some.toml:3, key: region", "profile: a"]),
        ("[profile.a]\nuri = 's3://b\nsecret = 'hidden'\n", ["no TOML, at: some.toml:2", "reason: "]),
        ("[profile.a]\nuri = 's3://b'\nuri = 's3://c'\n", ["no TOML, at: some.toml:3", "reason: "]),
        ("[profile.a]\nuri = 's3://b'\nsecret = hidden\n", ["no TOML, at: some.toml:3", "reason: "]),
        ("[lake.a]\nresidency = 'local'\n", ["lake has no uri, lake: a", "at: some.toml:1"]),
        ("[lake.a]\nuri = 's3://b'\nregion = 'x'\n", ["at: some.toml:3, key: region", "known: uri cache"]),
        ("[lake.'a/b']\nuri = 's3://b'\n", ["letters, digits", "lake: a/b"]),
        ("[profile.'a/b']\nuri = 's3://b'\n", ["holds neither / nor :", "profile: a/b"]),
    ] {
        let said = refused(text);
        for message in messages {
            assert!(said.contains(message), "{text} should say {message:?}: {said}");
        }
        assert!(!said.contains("hidden"), "{said}");
    }
}

#[test]
fn variables_are_replaced() {
    let lookup = Lookup::given([("A", "one"), ("EMPTY", "")]);
    for (text, expanded) in [
        ("plain", "plain"),
        ("${A}", "one"),
        ("x${A}y${A}", "xoneyone"),
        ("${EMPTY}", ""),
        ("${EMPTY:-two}", "two"),
        ("${NONE:-}", ""),
        ("${NONE:-s3://a:b}", "s3://a:b"),
        ("$$${A}$$", "$one$"),
    ] {
        assert_eq!(expand::expand(text, &lookup).unwrap(), expanded, "{text}");
    }
    for text in ["$", "$A", "${A", "${}", "${1A}", "${A-b}", "${NONE}"] {
        assert_eq!(expand::expand(text, &lookup).unwrap_err().kind(), ErrorKind::Invalid, "{text}");
    }
}

#[test]
fn the_first_file_that_is_named_or_exists_counts() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, profile: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, format!("[profile.{profile}]\nuri = 'memory:'\n")).unwrap();
        path
    };
    let home = write("xdg/worldstore/config.toml", "home");
    let named = write("named.toml", "named");
    let explicit = write("explicit.toml", "explicit");
    let xdg = home.ancestors().nth(2).unwrap().display().to_string();
    let named = named.display().to_string();
    let found = |explicit: Option<&Path>, variables: &[(&str, &str)]| {
        let lookup = Lookup::given(variables.iter().copied());
        let config = Config::find(explicit, &lookup).unwrap();
        config.map(|config| config.profiles().map(|profile| profile.name().to_owned()).collect::<Vec<_>>().join(" "))
    };
    assert_eq!(found(None, &[]), None);
    assert_eq!(found(None, &[("XDG_CONFIG_HOME", &xdg)]).as_deref(), Some("home"));
    let both = [("XDG_CONFIG_HOME", xdg.as_str()), (VARIABLE, named.as_str())];
    assert_eq!(found(None, &both).as_deref(), Some("named"));
    assert_eq!(found(Some(&explicit), &both).as_deref(), Some("explicit"));
    let missing = folder.path().join("none.toml").display().to_string();
    let error = Config::find(None, &Lookup::given([(VARIABLE, missing.as_str())])).unwrap_err();
    assert!(error.is_not_found() && error.to_string().contains("variable: WORLDSTORE_CONFIG"), "{error}");
}

#[test]
fn values_are_not_shown() {
    let text = "[profile.a]\nuri = 'redis://me:hidden@host'\npassword = 'hidden'\n";
    let config = Config::parse(text, "some.toml", &Lookup::given([("A", "hidden")])).unwrap();
    let shown = format!("{config:?} {:?} {:?}", config.profile("a").unwrap(), config.profile("b").unwrap_err());
    assert!(!shown.contains("hidden") && shown.contains("password"), "{shown}");
}
