//! Ends what computes for long without giving way: operators between two batches of what flows into them, joins between the
//! pairs that they look at, counts between nodes.

mod condition;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use futures::StreamExt;
use worldstore_core::{Error, ErrorKind};

use self::condition::stopped_between_pairs;
use crate::error::to_datafusion;

/// Asks all that computes for a query to stop; clones ask the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stop(Arc<AtomicBool>);

impl Stop {
    pub fn stop(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub fn is_asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Goes on, or not.
    ///
    /// # Errors
    /// `Unavailable`: it was asked to stop.
    pub fn check(&self) -> worldstore_core::Result<()> {
        match self.is_asked() {
            true => Err(stopped()),
            false => Ok(()),
        }
    }
}

/// Does something when it is dropped before the end: ends work that no future reaches.
pub(crate) struct OnDrop<Act: FnOnce()>(Option<Act>);

impl<Act: FnOnce()> OnDrop<Act> {
    pub fn new(act: Act) -> Self {
        Self(Some(act))
    }

    /// The end: there is nothing left to do.
    pub fn end(mut self) {
        self.0 = None;
    }
}

impl<Act: FnOnce()> Drop for OnDrop<Act> {
    fn drop(&mut self) {
        if let Some(act) = self.0.take() {
            act();
        }
    }
}

/// Puts a stop in front of everything that flows into joins, of what comes out of them, and into their conditions.
pub(crate) fn stoppable(plan: Arc<dyn ExecutionPlan>, stop: &Stop) -> Result<Arc<dyn ExecutionPlan>> {
    let wrapped = |plan: Arc<dyn ExecutionPlan>| -> Arc<dyn ExecutionPlan> {
        Arc::new(StopExec { input: plan, stop: stop.clone() })
    };
    let join = |node: Arc<dyn ExecutionPlan>| {
        if !node.name().contains("Join") {
            return Ok(Transformed::no(node));
        }
        let node = stopped_between_pairs(node, stop)?;
        let children = node.children().into_iter().map(|child| wrapped(Arc::clone(child))).collect();
        Ok(Transformed::yes(wrapped(node.with_new_children(children)?)))
    };
    Ok(plan.transform_up(join)?.data)
}

fn stopped() -> Error {
    Error::new(ErrorKind::Unavailable, "the query was stopped")
}

/// Hands on what its input gives, until it is asked to stop.
#[derive(Debug)]
struct StopExec {
    input: Arc<dyn ExecutionPlan>,
    stop: Stop,
}

impl DisplayAs for StopExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StopExec")
    }
}

impl ExecutionPlan for StopExec {
    fn name(&self) -> &str {
        "StopExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.input.properties()
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn with_new_children(self: Arc<Self>, mut children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        match (children.pop(), children.is_empty()) {
            (Some(input), true) => Ok(Arc::new(Self { input, stop: self.stop.clone() })),
            _ => Err(DataFusionError::Internal("a stop has one input".to_owned())),
        }
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let input = self.input.execute(partition, context)?;
        let (schema, stop) = (input.schema(), self.stop.clone());
        let batches = input.map(move |batch| match stop.is_asked() {
            true => Err(to_datafusion(stopped())),
            false => batch,
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, batches)))
    }
}
