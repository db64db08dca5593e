//! Profiles and variables.

use std::fs;

use super::desk::{Desk, code_of, errors_of};
use super::fs::with_objects;

#[test]
fn profiles_are_found_and_used_everywhere() {
    let desk = with_objects();
    desk.write("worldstore.toml", "[profile.here]\nuri = '${FOLDER:-one}'\n");
    assert_eq!(desk.ok(&["fs", "ls", "profile:here"]), "a\nb/\n");
    assert_eq!(desk.ok(&["fs", "cat", "profile:here/b/c d"]), "second\n");
    assert_eq!(desk.ok(&["fs", "cp", "profile:here/a", "profile:here/b/a"]), "copied 6 bytes to profile:here/b/a\n");
    assert_eq!(fs::read_to_string(desk.path("one/b/a")).unwrap(), "first\n");
    desk.ok(&["init", "profile:here/world"]);
    assert_eq!(desk.json(&["runs", "profile:here/world"]).len(), 1);
    assert!(desk.path("one/world/world.json").exists());
    let output = desk.command(&["fs", "ls", "profile:here"]).env("FOLDER", "one/b").output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "a\nc d\ne/\n");
}

#[test]
fn the_file_is_named_or_looked_for() {
    let desk = with_objects();
    desk.write("config/worldstore/config.toml", "[profile.p]\nuri = 'one'\n");
    desk.write("variable.toml", "[profile.p]\nuri = 'one/b'\n");
    desk.write("option.toml", "[profile.p]\nuri = 'one/b/e'\n");
    let listed = |args: &[&str], file: Option<&str>| {
        let mut command = desk.command(args);
        command.env("XDG_CONFIG_HOME", desk.path("config"));
        if let Some(file) = file {
            command.env("WORLDSTORE_CONFIG", desk.path(file));
        }
        let output = command.output().unwrap();
        (code_of(&output), String::from_utf8_lossy(&output.stdout).into_owned(), errors_of(&output))
    };
    let ls = ["fs", "ls", "profile:p"];
    assert_eq!(listed(&ls, None).1, "a\nb/\n");
    assert_eq!(listed(&ls, Some("variable.toml")).1, "c d\ne/\n");
    let option = ["--config", "option.toml", "fs", "ls", "profile:p"];
    assert_eq!(listed(&option, Some("variable.toml")).1, "f%20.csv\n");
    let option = ["fs", "ls", "profile:p", "--config", "option.toml"];
    assert_eq!(listed(&option, None).1, "f%20.csv\n");
    let (code, _, errors) = listed(&ls, Some("none.toml"));
    assert!(code == 2 && errors.contains("not found") && errors.contains("variable: WORLDSTORE_CONFIG"), "{errors}");
    desk.refused(&["fs", "ls", "profile:p", "--config", "none.toml"], &["not found", "file: none.toml"]);
}

#[test]
fn wrong_configurations_are_refused_where_they_are_used() {
    let desk = with_objects();
    let ls = ["fs", "ls", "profile:lab"];
    desk.refused(&ls, &["there is no configuration", "profile: lab"]);
    for (text, messages) in [
        ("[profile.other]\nuri = 'one'\n", ["there is no such profile, profile: lab", "known: other"].as_slice()),
        ("[profile.lab]\nuri = '${LAB_HOME}'\n", &["variable: LAB_HOME, key: uri, profile: lab", "worldstore.toml:2"]),
        (
            "[profile.lab]\nuri = 'one'\n\nregion = 'hidden'\n",
            &["unknown setting, setting: region", "worldstore.toml:4"],
        ),
        ("[profile.lab]\nuri = 'one'\n[profiles.x]\n", &["unknown key", "worldstore.toml:3", "key: profiles"]),
        ("[profile.lab]\nuri = 'one\n", &["no TOML", "worldstore.toml:2"]),
        ("[profile.lab]\nuri = 'gz://hidden'\n", &["unknown scheme, scheme: gz", "worldstore.toml:1"]),
        ("[profile.lab]\nuri = 'profile:lab'\n", &["cannot be a profile", "profile: lab"]),
        ("[profile.lab]\npassword = 'hidden'\n", &["profile has no uri", "profile: lab"]),
    ] {
        desk.write("worldstore.toml", text);
        let said = desk.refused(&ls, messages);
        assert!(!said.contains("hidden"), "{said}");
        assert_eq!(desk.ok(&["fs", "ls", "one"]), "a\nb/\n", "what uses no profile does not care");
    }
    desk.refused(&["fs", "ls", "profile:"], &["names no profile"]);
    desk.refused(&["tables", "profile:/x"], &["names no profile"]);
}

#[test]
fn passwords_in_uris_are_not_shown() {
    let desk = Desk::new();
    for uri in ["gz://me:hidden@host/0", "gz://host/db?password=hidden", "gz://me:hid/hidden@host"] {
        for args in [
            ["fs", "ls", uri].as_slice(),
            &["tables", uri],
            &["init", uri],
            &["fs", "cp", uri, "x"],
            &["fs", "rm", "-r", uri],
        ] {
            let said = desk.refused(args, &["scheme"]);
            assert!(!said.contains("hidden"), "{said}");
        }
    }
}

#[test]
fn passwords_are_not_shown_wherever_they_are() {
    let desk = Desk::new();
    let (uri, longer) = ("gz://me:hidden@host/0", "gz://me:a?b=hidden@host/0");
    for uri in [uri, longer] {
        let named = format!("{uri}?mode=ro");
        for args in [
            ["query", "RETURN 1", "--mount", uri].as_slice(),
            &["query", "RETURN 1", "--mount", &named],
            &["lake", "resolve", "lake://a/b", "--mount", uri],
            &["lake", "resolve", "lake://a/b", "--mount", &named],
            &["query", "RETURN 1", "--world", uri],
            &["snapshot", "import", "copy", uri],
            &["init", "world", "--tables", "iceberg", "--catalog", uri],
            &["tables", uri],
        ] {
            let said = desk.refused(args, &[]);
            assert!(!said.contains("hidden"), "{args:?}: {said}");
        }
    }
}
