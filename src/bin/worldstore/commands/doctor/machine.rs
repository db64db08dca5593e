//! This build, this machine and the configuration. Nothing of it needs a network.

use std::path::Path;

use worldstore::config::{Config, Lookup, VARIABLE};
use worldstore::context::load_cache;
use worldstore::registry::{VARIABLE_PREFIX, masked};
use worldstore::{Error, Registry, Result, StorageConfig};

use super::Finding;
use crate::compiled::{build, features};

/// What variables of ours begin with.
const VARIABLES: &str = "WORLDSTORE_";
/// What those begin with that say something, besides the one that names the configuration: `[storage]`, `[cache]`, lakes, and
/// the tests of this project.
const KNOWN: [&str; 4] = ["WORLDSTORE_STORAGE_", "WORLDSTORE_CACHE_", VARIABLE_PREFIX, "WORLDSTORE_TEST_"];

pub fn findings(registry: &Registry, config: Option<&Path>) -> Vec<Finding> {
    let mut findings = vec![
        Finding::fine("version", build()),
        Finding::fine("features", features(true)),
        Finding::fine("left out", features(false)),
        schemes(registry),
    ];
    findings.extend(variables());
    let lookup = Lookup::process();
    let config = Config::find(config, &lookup);
    findings.extend(configuration(registry, &config));
    let file = config.ok().flatten();
    findings.push(told("storage", storage(registry, file.as_ref(), &lookup)));
    findings.push(told("cache", cache(file.as_ref(), &lookup)));
    findings
}

fn told(about: &'static str, found: Result<String>) -> Finding {
    match found {
        Ok(text) => Finding::fine(about, text),
        Err(error) => Finding::failed(about, &error),
    }
}

fn schemes(registry: &Registry) -> Finding {
    let listed = registry.list();
    let names = listed.iter().filter(|scheme| scheme.compiled_in).map(|scheme| scheme.info.name.as_str());
    Finding::fine("schemes", names.collect::<Vec<_>>().join(" "))
}

/// Names alone: values may be secrets.
fn variables() -> Vec<Finding> {
    const ABOUT: &str = "variables";
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let mut names: Vec<String> = names.filter(|name| name.starts_with(VARIABLES)).collect();
    names.sort_unstable();
    if names.is_empty() {
        return vec![Finding::fine(ABOUT, format!("none that begins with {VARIABLES}"))];
    }
    let mut findings = vec![Finding::fine(ABOUT, names.join(" "))];
    names.retain(|name| name != VARIABLE && !KNOWN.iter().any(|known| name.starts_with(known)));
    if !names.is_empty() {
        // A profile may name it all the same.
        findings.push(Finding::note(ABOUT, format!("no settings of worldstore: {}", names.join(" "))));
    }
    findings
}

/// The file, and each profile and lake in it.
fn configuration(registry: &Registry, found: &Result<Option<Config>>) -> Vec<Finding> {
    const ABOUT: &str = "configuration";
    let config = match found {
        Ok(Some(config)) => config,
        Ok(None) => return vec![Finding::fine(ABOUT, "no file")],
        Err(error) => return vec![Finding::failed(ABOUT, error)],
    };
    let mut findings = vec![match registry.clone().with_config(config.clone()) {
        Ok(_) => Finding::fine(ABOUT, config.file()),
        Err(error) => Finding::failed(ABOUT, &error),
    }];
    findings.extend(config.profiles().map(|profile| named("profile", profile.name(), profile.uri(), registry)));
    findings.extend(config.lakes().map(|lake| named("lake", lake.name(), lake.uri(), registry)));
    findings
}

/// Whether the URI of a profile can be opened here, as far as its text tells.
fn named(about: &'static str, name: &str, uri: Result<String>, registry: &Registry) -> Finding {
    let located = uri.and_then(|uri| registry.locate(&uri)).map_err(|error| error.with("name", name));
    told(about, located.map(|located| format!("{name}: {}", masked(&located.uri))))
}

/// Where programs that load a context have their worlds.
fn storage(registry: &Registry, file: Option<&Config>, lookup: &Lookup) -> Result<String> {
    let config = StorageConfig::load(file, lookup)?;
    let located = registry.locate(&config.uri).map_err(|error: Error| error.with("key", "storage.uri"))?;
    Ok(format!("{} with namespace {}, for programs that load it", masked(&located.uri), config.namespace))
}

/// How they buffer rows.
fn cache(file: Option<&Config>, lookup: &Lookup) -> Result<String> {
    let config = load_cache(file, lookup)?;
    Ok(format!(
        "flush_rows {}, flush_mb {}, global_mb {}, idle_sec {}, direct_mb {}",
        config.flush_rows, config.flush_mb, config.global_mb, config.idle_sec, config.direct_mb
    ))
}
