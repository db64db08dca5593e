//! The command about itself: doctor, completions, manual pages, version, colours.

use std::process::Command;

use super::desk::{COMMAND, Desk, code_of, errors_of, text_of};

fn findings(desk: &Desk, args: &[&str]) -> Vec<(String, String, String)> {
    let lines = desk.ok(&[&["doctor", "--json"], args].concat());
    let told = |line: &str| {
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        let text = |key: &str| value[key].as_str().unwrap().to_owned();
        (text("about"), text("status"), text("text"))
    };
    lines.lines().map(told).collect()
}

fn finding<'all>(all: &'all [(String, String, String)], about: &str) -> (&'all str, &'all str) {
    let found = all.iter().find(|(name, ..)| name == about).unwrap_or_else(|| panic!("no {about} in {all:?}"));
    (&found.1, &found.2)
}

#[test]
fn doctor_tells_what_is_compiled_in_and_configured() {
    let desk = Desk::new();
    let all = findings(&desk, &[]);
    assert!(finding(&all, "features").1.contains("lance"), "{all:?}");
    assert!(finding(&all, "schemes").1.contains("memory"), "{all:?}");
    assert_eq!(finding(&all, "configuration"), ("fine", "no file"));
    desk.write("worldstore.toml", "[profile.lab]\nuri = 'lab'\n[profile.gone]\nuri = 'nowhere://x'\n");
    let output = desk.run(&["doctor"]);
    assert_eq!(code_of(&output), 2);
    let told = text_of(&output);
    assert!(told.contains("fine    profile        lab: lab"), "{told}");
    assert!(told.lines().any(|line| line.starts_with("FAILED  profile") && line.contains("gone")), "{told}");
    assert!(errors_of(&output).contains("something does not work"), "{}", errors_of(&output));
}

/// What programs would be refused with, the command itself does not read.
#[test]
fn doctor_tests_the_values_of_settings() {
    let desk = Desk::new();
    let failed = |about: &str, variables: &[(&str, &str)]| {
        let output = desk.command(&["doctor"]).envs(variables.iter().copied()).output().unwrap();
        let told = text_of(&output);
        let found = told.lines().find(|line| line.starts_with(&format!("FAILED  {about}"))).map(str::to_owned);
        assert_eq!(code_of(&output), if found.is_some() { 2 } else { 0 }, "{told}");
        (found.unwrap_or_default(), told)
    };
    for (about, text, messages) in [
        ("cache", "[cache]\nflush_rows = 0\n", ["cache.flush_rows", "worldstore.toml:2"]),
        ("cache", "[cache]\nflush_mb = '512MB'\n", ["cache.flush_mb", "without a unit"]),
        ("storage", "[storage]\nuri = 'nope://x'\n", ["unknown scheme", "storage.uri"]),
        ("storage", "[storage]\nbackend = 'foo'\n", ["storage.backend", "worldstore.toml:2"]),
    ] {
        desk.write("worldstore.toml", text);
        let (found, told) = failed(about, &[]);
        assert!(messages.iter().all(|message| found.contains(message)), "{told}");
    }
    desk.write("worldstore.toml", "[storage]\nuri = 'worlds'\n[cache]\nflush_rows = 7\n");
    let (found, told) = failed("", &[]);
    assert_eq!(found, "");
    assert!(told.contains("fine    storage        worlds with") && told.contains("flush_rows 7, "), "{told}");
    let (found, told) = failed("cache", &[("WORLDSTORE_CACHE_FLUSH_MB", "512MB")]);
    assert!(found.contains("at: WORLDSTORE_CACHE_FLUSH_MB"), "{told}");
    let (_, told) = failed("", &[("WORLDSTORE_FOO", "1"), ("WORLDSTORE_TEST_FOO", "1"), ("WORLDSTORE_LAKE_FOO", "x")]);
    let noted = told.lines().find(|line| line.starts_with("note    variables")).unwrap();
    assert!(noted.contains("WORLDSTORE_FOO") && !noted.contains("TEST") && !noted.contains("LAKE"), "{told}");
}

#[test]
fn doctor_looks_at_a_store_and_the_world_in_it() {
    let desk = Desk::with_world();
    let all = findings(&desk, &["world"]);
    assert_eq!((finding(&all, "tables"), finding(&all, "log in it")), (("fine", "yes"), ("fine", "yes")));
    assert!(finding(&all, "world").1.contains("2 tables in lance"), "{all:?}");
    assert!(!all.iter().any(|(about, ..)| about == "observed"), "nothing is written without --probe: {all:?}");
    let before = desk.listing();
    let probed = findings(&desk, &["world", "--probe"]);
    assert!(finding(&probed, "observed").1.ends_with("none failed"), "{probed:?}");
    assert!(finding(&probed, "durable write").1.contains("4 KiB"), "{probed:?}");
    assert_eq!(desk.listing(), before, "the probe leaves nothing behind");
    let output = desk.run(&["doctor", "nowhere/at/all"]);
    assert_eq!(code_of(&output), 2);
    assert!(text_of(&output).contains("FAILED  store"), "{}", text_of(&output));
    assert_eq!(finding(&findings(&desk, &["memory:"]), "world"), ("fine", "none here"));
}

#[cfg(any(feature = "redb", feature = "sled"))]
#[test]
fn doctor_looks_at_a_world_in_a_database() {
    let desk = Desk::new();
    for uri in [
        #[cfg(feature = "redb")]
        format!("redb://{}", desk.path("worlds.redb").display()),
        #[cfg(feature = "sled")]
        format!("sled://{}", desk.path("worlds").display()),
    ] {
        desk.ok(&["init", &uri, "--tables", "lance", "--name", "town"]);
        let all = findings(&desk, &[uri.as_str()]);
        let (status, text) = finding(&all, "world");
        assert!(status == "fine" && text.starts_with("town with 0 tables in lance"), "{all:?}");
    }
}

#[test]
fn doctor_shows_no_secret() {
    let desk = Desk::new();
    desk.write("worldstore.toml", "[profile.lab]\nuri = 'sqlite:///x.db?key=hush'\n");
    let output = Command::new(COMMAND)
        .arg("doctor")
        .current_dir(desk.path(""))
        .env("WORLDSTORE_TOKEN", "hush")
        .env("WORLDSTORE_LAKE_ROOT", "hush")
        .output()
        .unwrap();
    let told = text_of(&output) + &errors_of(&output);
    assert!(told.contains("WORLDSTORE_TOKEN") && !told.contains("hush"), "{told}");
}

#[test]
fn completions_know_every_command() {
    let desk = Desk::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = desk.ok(&["completions", shell]);
        for word in ["doctor", "drop-run", "take-over"] {
            assert!(script.contains(word), "{word} for {shell}");
        }
    }
    let script = desk.write("complete.bash", desk.ok(&["completions", "bash"]));
    let asks =
        "COMP_WORDS=(worldstore drop); COMP_CWORD=1; _worldstore worldstore drop worldstore; echo ${COMPREPLY[@]}";
    let output = Command::new("bash").args(["-c", &format!("source {script}; {asks}")]).output().unwrap();
    assert_eq!(text_of(&output).trim(), "drop-run", "{}", errors_of(&output));
    assert_eq!(code_of(&desk.run(&["completions", "sh"])), 2);
}

#[test]
fn there_is_a_manual_page_for_every_command() {
    let desk = Desk::new();
    desk.ok(&["man", "pages"]);
    for page in ["worldstore.1", "worldstore-doctor.1", "worldstore-fs-ls.1", "worldstore-query.1"] {
        let text = std::fs::read_to_string(desk.path("pages").join(page)).unwrap();
        assert!(text.contains(".SH NAME") && text.contains(".SH SYNOPSIS"), "{page}: {text}");
    }
}

#[test]
fn the_long_version_names_every_feature_once() {
    let desk = Desk::new();
    assert_eq!(desk.ok(&["-V"]), format!("worldstore {}\n", env!("CARGO_PKG_VERSION")));
    let told = desk.ok(&["--version"]);
    for feature in ["lance", "cli", "s3", "zset"] {
        let times = told.split_whitespace().filter(|word| *word == feature).count();
        assert_eq!(times, 1, "{feature} in {told}");
    }
}

#[test]
fn colours_go_where_they_are_wanted() {
    let help = |variables: &[(&str, &str)]| {
        let output = Command::new(COMMAND).arg("--help").envs(variables.iter().copied()).output().unwrap();
        text_of(&output).contains('\u{1b}')
    };
    assert!(!help(&[]), "a pipe has no colours");
    assert!(help(&[("CLICOLOR_FORCE", "1")]), "or else the next line shows nothing");
    assert!(!help(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]));
}

#[test]
fn rows_are_asked_for_as_json_in_two_ways() {
    let desk = Desk::with_world();
    let long = desk.ok(&["tables", "world", "--format", "json"]);
    assert_eq!(desk.ok(&["tables", "world", "--json"]), long);
    assert!(long.starts_with('{'), "{long}");
    assert_eq!(code_of(&desk.run(&["tables", "world", "--json", "--format", "csv"])), 2);
}
