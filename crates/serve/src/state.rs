//! What the handlers of requests share.

use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::admission::Admission;
use crate::guard::Guard;
use crate::metrics::Metrics;
use crate::models::Models;
use crate::workbench::Workbench;
use crate::{Limits, Options};

/// What the handlers of requests share.
pub struct Shared {
    pub models: Models,
    pub admission: Admission,
    pub guard: Guard,
    pub metrics: Metrics,
    pub limits: Limits,
    /// Photos that are decoded at once.
    pub decoding: Semaphore,
    /// What the page works with. None if the server is for programs alone.
    pub workbench: Option<Workbench>,
}

/// The state of every handler.
pub type Server = Arc<Shared>;

impl Shared {
    pub fn new(options: &Options, workbench: Option<Workbench>) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            models: Models::default(),
            admission: Admission::new(&options.limits),
            guard: Guard::new(options.token.as_deref(), &options.hosts),
            metrics: Metrics::new(),
            limits: options.limits.clone(),
            decoding: Semaphore::new(cores),
            workbench,
        }
    }
}
