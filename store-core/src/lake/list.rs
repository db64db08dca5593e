//! The walk over a sync backend.

use super::listing::{LakeListOptions, LakeListing};
use super::template::Template;
use super::walk::Walk;
use crate::backend::Backend;
use crate::error::Result;
use crate::ops::StatOptions;

/// Lists what lies below a template, and leaves out what the filter rules out as soon as names decide: a folder that is
/// ruled out is not listed. No object is opened.
///
/// # Errors
/// `NotFound` if there is nothing at all below the folder before the first variable: a lake that is not there is no empty
/// one. `Invalid` if paths tell different columns, or one twice, or a filter names a variable that they do not have. Those
/// of the backend.
pub fn list(backend: &dyn Backend, template: &Template, options: &LakeListOptions) -> Result<LakeListing> {
    let mut walk = Walk::new(template, options)?;
    while let Some(mut step) = walk.next_step() {
        let mut token = None;
        loop {
            let page = backend.list(step.folder(), &step.options(token))?;
            token = walk.take(&mut step, page)?;
            if token.is_none() {
                break;
            }
        }
    }
    if let Some(key) = walk.object() {
        match backend.stat(&key, &StatOptions::default()) {
            Ok(meta) => walk.take_object(meta)?,
            Err(error) if error.is_not_found() => {}
            Err(error) => return Err(error),
        }
    }
    walk.finish()
}

#[cfg(test)]
mod tests;
