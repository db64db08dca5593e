//! This build, this machine and the configuration. Nothing of it needs a network.

use std::path::Path;

use worldstore::config::{Config, Lookup};
use worldstore::{Registry, Result};

use super::Finding;
use crate::compiled::{build, features};

/// What variables of ours begin with.
const VARIABLES: &str = "WORLDSTORE_";

pub fn findings(registry: &Registry, config: Option<&Path>) -> Vec<Finding> {
    let mut findings = vec![
        Finding::fine("version", build()),
        Finding::fine("features", features(true)),
        Finding::fine("left out", features(false)),
        schemes(registry),
        variables(),
    ];
    findings.extend(configuration(registry, config));
    findings
}

fn schemes(registry: &Registry) -> Finding {
    let listed = registry.list();
    let names = listed.iter().filter(|scheme| scheme.compiled_in).map(|scheme| scheme.info.name.as_str());
    Finding::fine("schemes", names.collect::<Vec<_>>().join(" "))
}

/// Names alone: values may be secrets.
fn variables() -> Finding {
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let mut names: Vec<String> = names.filter(|name| name.starts_with(VARIABLES)).collect();
    names.sort_unstable();
    match names.is_empty() {
        true => Finding::fine("variables", format!("none that begins with {VARIABLES}")),
        false => Finding::fine("variables", names.join(" ")),
    }
}

/// The file, and each profile and lake in it.
fn configuration(registry: &Registry, explicit: Option<&Path>) -> Vec<Finding> {
    const ABOUT: &str = "configuration";
    let config = match Config::find(explicit, &Lookup::process()) {
        Ok(Some(config)) => config,
        Ok(None) => return vec![Finding::fine(ABOUT, "no file")],
        Err(error) => return vec![Finding::failed(ABOUT, &error)],
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
    match uri.and_then(|uri| registry.locate(&uri)) {
        Ok(located) => Finding::fine(about, format!("{name}: {}", worldstore::registry::masked(&located.uri))),
        Err(error) => Finding::failed(about, &error.with("name", name)),
    }
}
