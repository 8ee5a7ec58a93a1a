//! A run as a model that is served.

use kennel_core::{RunDir, Task};
use kennel_infer::{Compute, InferError, PhotoIndex, Predictor};
use kennel_serve::{Indexer, Kind, Opener, Served};

use crate::failure::Failure;

/// Serves a run under the name of its directory.
pub fn run_to_serve(run: RunDir, compute: Compute) -> Served {
    let name = run.name();
    let (of, device) = (run.clone(), compute.clone());
    let open: Opener = Box::new(move || match Predictor::of_run(&of, &device) {
        Ok(predictor) => Ok(Box::new(predictor)),
        Err(error) => Err(worded(error)),
    });
    // A predictor of its own: the one that labels goes on meanwhile.
    let index: Indexer = Box::new(move || {
        let mut predictor = Predictor::of_run(&run, &compute).map_err(worded)?;
        PhotoIndex::of_run(&run, &mut predictor, None, Task::unwatched()).map_err(worded)
    });
    Served { name, kind: Kind::Run, open, index: Some(index) }
}

fn worded(error: InferError) -> String {
    Failure::from(error).message().unwrap_or_default().into()
}
