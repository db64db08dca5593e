//! Calls of scripts, each on all keys of a namespace.

use redis::{Connection, RedisResult, Script, ScriptInvocation, Value};
use worldstore_core::Result;
use worldstore_db_common::redis::Pool;

#[derive(Debug)]
pub(super) struct Server {
    pool: Pool,
    /// What all keys begin with.
    prefix: String,
}

impl Server {
    pub fn new(pool: Pool, namespace: &str) -> Self {
        Self { pool, prefix: format!("{{{namespace}}}:") }
    }

    /// Runs a script that changes nothing; once more, if the connection turns out to be broken.
    pub fn look(&self, script: &Script, arguments: impl Fn(&mut ScriptInvocation<'_>)) -> Result<Value> {
        self.pool.ask(|connection| self.call(connection, script, &arguments))
    }

    /// Runs a script that must not be run twice.
    ///
    /// # Errors
    /// `OutcomeUnknown` if the answer was lost; nothing has changed with every other error.
    pub fn change(&self, script: &Script, arguments: impl Fn(&mut ScriptInvocation<'_>)) -> Result<Value> {
        self.pool.change(|connection| self.call(connection, script, &arguments))
    }

    fn call(
        &self,
        connection: &mut Connection,
        script: &Script,
        arguments: &impl Fn(&mut ScriptInvocation<'_>),
    ) -> RedisResult<Value> {
        let mut call = script.prepare_invoke();
        call.key(&self.prefix);
        arguments(&mut call);
        call.invoke(connection)
    }
}
