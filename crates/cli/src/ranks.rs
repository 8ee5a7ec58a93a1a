//! One training in several processes, which `mpirun` or `srun` started together.

use std::sync::Arc;
use std::time::Duration;

use kennel_ranks::{Ranks, RanksError};

use crate::failure::{CommandResult, Failure};
use crate::session::Session;

/// Joins the processes of a launcher. Without one, this process is alone.
///
/// # Errors
///
/// A launcher whose processes cannot find each other.
pub fn join() -> Result<Arc<Ranks>, Failure> {
    let joined = Ranks::join(|name| std::env::var(name).ok());
    joined.map(Arc::new).map_err(|error| {
        let hint = hint(&error).map_or_else(String::new, |hint| format!("\nhint: {hint}"));
        Failure::Failed(format!("{error}{hint}"))
    })
}

/// Runs a command in this process, one of `ranks`. Rank 0 alone prints its messages. A process
/// that fails ends all: the others would wait for it.
pub fn together(
    ranks: &Ranks,
    session: &Session,
    command: impl FnOnce(&Session) -> CommandResult,
) -> CommandResult {
    if ranks.size() == 1 {
        return command(session);
    }
    let quiet = session.of_thread();
    let session = if ranks.is_first() { session } else { &quiet };
    if let Some(library) = ranks.library() {
        say!(session, "ranks      {} over {library}", ranks.size());
    }
    let result = command(session);
    let Err(failure) = result else { return Ok(()) };
    if !ranks.is_first() {
        // An error of all processes is rank 0's to print, and it may still say how to resume.
        std::thread::sleep(Duration::from_secs(1));
    }
    failure.tell();
    // The launcher drops what it has not forwarded when the processes end: seen with MPICH 5.0.2.
    std::thread::sleep(Duration::from_millis(300));
    ranks.abort(failure.status().into())
}

/// What may help.
fn hint(error: &RanksError) -> Option<&'static str> {
    match error {
        RanksError::NoLibrary { .. } => Some(
            "install an MPI library (MPICH or Open MPI), or set KENNEL_MPI to the library's file, \
             or start one process without the launcher",
        ),
        RanksError::OtherLauncher { .. } => Some(
            "use the launcher of that library (with srun: --mpi=pmi2 or --mpi=pmix), or set \
             KENNEL_MPI to the file of this launcher's library",
        ),
        RanksError::NotPowerOfTwo { .. } => Some("start 1, 2, 4, 8 .. processes"),
        RanksError::Threads { .. } => Some("set KENNEL_MPI to the file of another MPI library"),
        RanksError::Unavailable { .. } => {
            Some("start one process without the launcher, or use Linux on x86-64 or arm64")
        }
        _ => None,
    }
}
