//! Profiles in the registry: `profile:NAME/path`.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use worldstore_core::{Error, Result};

use super::scheme::Naming;
use super::settings::Settings;
use super::{Registry, Target, uri};
use crate::config::{Config, Lookup, Profile};

/// What URIs of profiles begin with.
pub(super) const SCHEME: &str = "profile:";

/// Where profiles come from.
#[derive(Clone)]
pub(super) enum Profiles {
    None,
    Known(Arc<Config>),
    /// Looked for when the first is asked for.
    Find {
        explicit: Option<PathBuf>,
        found: Arc<OnceLock<Config>>,
    },
}

/// Name and path, if it is a profile. A name in the path that is empty would be dropped on the way: what is left could
/// be the profile itself.
pub(super) fn parse(uri: &str) -> Result<Option<(&str, &str)>> {
    let Some(rest) = uri.strip_prefix(SCHEME) else { return Ok(None) };
    let (name, path) = rest.split_once('/').unwrap_or((rest, ""));
    if name.is_empty() {
        return Err(Error::invalid("the URI names no profile, write `profile:NAME/path`").with("uri", uri));
    }
    match path.starts_with('/') || path.contains("//") {
        true => Err(Error::invalid("a name in the path below a profile is empty").with("uri", uri)),
        false => Ok(Some((name, path))),
    }
}

impl Registry {
    /// Knows the profiles of a configuration, in place of those before.
    ///
    /// # Errors
    /// `Invalid` for a setting that the scheme of its profile does not have, naming it, the file and the line. Profiles
    /// of schemes that are not compiled in are not looked at.
    pub fn with_config(mut self, config: Config) -> Result<Self> {
        self.check_config(&config)?;
        self.profiles = Profiles::Known(Arc::new(config));
        Ok(self)
    }

    /// Looks for the configuration when a profile is asked for first: see [`Config::find`].
    #[must_use]
    pub fn with_config_found(mut self, explicit: Option<PathBuf>) -> Self {
        self.profiles = Profiles::Find { explicit, found: Arc::default() };
        self
    }

    fn config(&self) -> Result<&Config> {
        self.config_if_any()?.ok_or_else(|| match self.profiles {
            Profiles::Find { .. } => Error::not_found(
                "there is no configuration: neither --config nor WORLDSTORE_CONFIG names one, and neither \
                 worldstore.toml nor worldstore/config.toml in the folder of configurations exists",
            ),
            Profiles::None | Profiles::Known(_) => Error::not_found("there is no configuration with profiles"),
        })
    }

    pub(super) fn config_if_any(&self) -> Result<Option<&Config>> {
        match &self.profiles {
            Profiles::None => Ok(None),
            Profiles::Known(config) => Ok(Some(config)),
            Profiles::Find { explicit, found } => {
                if let Some(config) = found.get() {
                    return Ok(Some(config));
                }
                let config = Config::find(explicit.as_deref(), &Lookup::process())?;
                let Some(config) = config else { return Ok(None) };
                self.check_config(&config)?;
                Ok(Some(found.get_or_init(|| config)))
            }
        }
    }

    pub(super) fn profile_target(&self, name: &str, path: &str) -> Result<Target> {
        let config = self.config().map_err(|error| error.with("profile", name))?;
        let profile = config.profile(name)?;
        let base = profile.uri()?;
        let at = |error: Error| error.with("profile", name).with("at", profile.origin());
        if base.starts_with(SCHEME) {
            return Err(at(Error::invalid("the URI of a profile cannot be a profile")));
        }
        let scheme = self.scheme_of(&base).map_err(at)?.clone();
        let mut settings = Settings::default();
        for key in profile.keys() {
            settings = settings.with_origin(key, profile.value(key)?, profile.origin_of(key));
        }
        let uri = joined(scheme.info.naming, &base, path);
        Ok(Target { uri, scheme, settings, profile: Some(name.to_owned()), base: Some(base) })
    }

    fn check_config(&self, config: &Config) -> Result<()> {
        for profile in config.profiles() {
            self.check_profile(profile)?;
        }
        Ok(())
    }

    /// What cannot be told before its variables are read is told when the profile is opened.
    fn check_profile(&self, profile: &Profile) -> Result<()> {
        let Some(uri) = profile.plain_uri() else { return Ok(()) };
        let Ok(scheme) = self.scheme_of(uri) else { return Ok(()) };
        let mut settings = Settings::default();
        for key in profile.keys() {
            settings = settings.with_origin(key, String::new(), profile.origin_of(key));
        }
        scheme.info.check(&settings).map_err(|error| error.with("profile", profile.name()))
    }
}

pub(super) fn joined(naming: Naming, base: &str, path: &str) -> String {
    match naming {
        _ if path.is_empty() => base.to_owned(),
        Naming::Container if !base.contains(uri::INSIDE) => format!("{base}{}{path}", uri::INSIDE),
        _ => format!("{}/{path}", base.trim_end_matches('/')),
    }
}

impl fmt::Debug for Profiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Known(config) => config.fmt(f),
            Self::Find { found, .. } => match found.get() {
                Some(config) => config.fmt(f),
                None => f.write_str("not looked for yet"),
            },
        }
    }
}
