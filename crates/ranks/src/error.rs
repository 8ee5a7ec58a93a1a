//! Why processes cannot work together.

/// Why joining the processes of a launcher, or an operation among them, failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RanksError {
    /// A launcher's variable that is not a count.
    #[error("{variable} is `{found}`, expected a whole number of at least {least}")]
    Variable {
        /// Name of the variable.
        variable: &'static str,
        /// Its value.
        found: String,
        /// The least valid value.
        least: usize,
    },
    /// A number of processes that is not a power of two, as a complete binary tree needs.
    #[error("found {size} processes ({launched}), expected a power of two: 1, 2, 4, 8 ..")]
    NotPowerOfTwo {
        /// The number of processes.
        size: usize,
        /// The launcher's variable and its value.
        launched: String,
    },
    /// A launcher started this process, and no MPI library can be loaded.
    #[error("a launcher started this process ({launched}), but no MPI library can be loaded:{}",
        .tried.iter().map(|reason| format!("\n  {reason}")).collect::<String>())]
    NoLibrary {
        /// The launcher's variable and its value.
        launched: String,
        /// The loader's message on each library, which names it.
        tried: Vec<String>,
    },
    /// A library that does not talk to this launcher: each process would believe itself alone.
    #[error(
        "{library} says rank {rank} of {size}, the launcher says {launched}: this library and this \
        launcher do not belong together"
    )]
    OtherLauncher {
        /// The library, with its version.
        library: String,
        /// The rank that MPI reports.
        rank: usize,
        /// The number of processes that MPI reports.
        size: usize,
        /// The launcher's variable and its value.
        launched: String,
    },
    /// A library that allows MPI only in programs of a single thread, or only in the main thread.
    #[error(
        "library {library} does not let the threads of a program take turns in calling MPI \
        (MPI_THREAD_SERIALIZED)"
    )]
    Threads {
        /// The library, with its version.
        library: String,
    },
    /// An MPI function failed.
    #[error("{function} failed with MPI's error code {code}")]
    Call {
        /// Name of the function.
        function: &'static str,
        /// Its result.
        code: i32,
    },
    /// Ranks that add up different numbers of values.
    #[error("rank {rank} adds up {found} values, expected {expected} as on rank 0")]
    Lengths {
        /// The first rank that differs from rank 0.
        rank: usize,
        /// Its number of values.
        found: usize,
        /// The number of values of rank 0.
        expected: usize,
    },
    /// A launcher started this process on a system where MPI is not available.
    #[error(
        "a launcher started this process ({launched}), but kennel does not run over MPI on \
        this system"
    )]
    Unavailable {
        /// The launcher's variable and its value.
        launched: String,
    },
}
