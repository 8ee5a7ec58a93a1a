//! Processes that `mpirun`, `mpiexec` or `srun` started together, talking over MPI.
//!
//! [`Ranks::join`] reads the launcher's variables, loads the MPI library of the machine and joins
//! the other processes. No library is linked: one program runs over MPICH and its kin, Open MPI,
//! and any library with the standard ABI of MPI 5. Without a launcher a process is alone, and every
//! operation is the identity.
//!
//! Sums are added in one order, a binary tree ([`TreeSum`]), and never by MPI. So a sum over blocks
//! has the same bits with any library, and however many processes share the blocks.

mod error;
mod launcher;
mod tree;

// The second file has the same names, and no MPI: `RanksError::Unavailable` says why.
#[cfg_attr(
    not(all(
        unix,
        target_pointer_width = "64",
        any(target_arch = "x86_64", target_arch = "aarch64")
    )),
    path = "no_mpi.rs"
)]
mod mpi;
mod ranks;

pub use error::RanksError;
pub use ranks::Ranks;
pub use tree::TreeSum;
