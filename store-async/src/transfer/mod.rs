//! Moving much at once: the mirror of [`worldstore_core::transfer`], which has the options, the reports and the
//! decisions; here are the calls. Local files are read and written on tokio's blocking pool.

mod folder;
mod many;
mod pool;
mod stream;
