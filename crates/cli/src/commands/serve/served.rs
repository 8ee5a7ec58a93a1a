//! A run as a model that is served.

use kennel_core::RunDir;
use kennel_infer::{Compute, Predictor};
use kennel_serve::{Kind, Opener, Served};

use crate::failure::Failure;

/// Serves a run under the name of its directory.
pub fn run_to_serve(run: RunDir, compute: Compute) -> Served {
    let name = run.name();
    let open: Opener = Box::new(move || match Predictor::of_run(&run, &compute) {
        Ok(predictor) => Ok(Box::new(predictor)),
        Err(error) => Err(Failure::from(error).message().unwrap_or_default().into()),
    });
    Served { name, kind: Kind::Run, open }
}
