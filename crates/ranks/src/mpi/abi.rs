//! The three binary interfaces of MPI libraries: names of their files, and values of the constants
//! that kennel uses.

use std::ffi::c_int;

use crate::launcher::Family;

/// The standard ABI: `.1` since MPI 5.0, `.0` before it was final. MPICH 5 and Open MPI 6 have it.
const STANDARD: [&str; 2] = if cfg!(target_os = "macos") {
    ["libmpi_abi.1.dylib", "libmpi_abi.0.dylib"]
} else {
    ["libmpi_abi.so.1", "libmpi_abi.so.0"]
};

/// Open MPI 2 to 5.
const OPEN_MPI: &str = if cfg!(target_os = "macos") { "libmpi.40.dylib" } else { "libmpi.so.40" };

/// MPICH and its kin since their common ABI of 2013, and MPICH as Debian names it.
const MPICH: [&str; 2] = if cfg!(target_os = "macos") {
    ["libmpi.12.dylib", "libmpich.12.dylib"]
} else {
    ["libmpi.so.12", "libmpich.so.12"]
};

/// Files to try, in order. The libraries of the launcher's family come first: any other would start
/// as rank 0 of 1. It still comes last, for the error that says so.
pub(crate) fn libraries(family: Family) -> [&'static str; 5] {
    let ([standard, early], [mpich, debian]) = (STANDARD, MPICH);
    match family {
        Family::OpenMpi => [OPEN_MPI, standard, early, mpich, debian],
        Family::Mpich => [standard, early, mpich, debian, OPEN_MPI],
        Family::Unknown => [standard, early, OPEN_MPI, mpich, debian],
    }
}

/// A handle of MPI: an address, or a C `int` in the lower half.
pub(crate) type Handle = usize;

/// Constants of one ABI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Abi {
    /// `MPI_COMM_WORLD`: all processes.
    pub world: Handle,
    /// `MPI_BYTE`. No other type is needed, since MPI adds nothing up.
    pub byte: Handle,
    /// `MPI_THREAD_SERIALIZED`. Levels grow with what they allow.
    pub serialized: c_int,
}

/// Source: `mpi_abi.h` of MPICH 5.0.2 and `mpi.h` of the MPI Forum's `mpi-abi-stubs`, the header of
/// MPI 5.0's ABI.
pub(crate) const STANDARD_ABI: Abi = Abi { world: 0x101, byte: 0x247, serialized: 2048 };

/// Source: `mpi.h` of MPICH 4.3.2 and 5.0.2. Its kin promise the same ABI.
pub(crate) const MPICH_ABI: Abi = Abi { world: 0x4400_0000, byte: 0x4c00_010d, serialized: 2 };

/// Open MPI's symbols whose addresses are the handles. Source: `mpi.h` of Open MPI 5.0.11.
pub(crate) const OPEN_MPI_WORLD: &str = "ompi_mpi_comm_world";
/// As [`OPEN_MPI_WORLD`].
pub(crate) const OPEN_MPI_BYTE: &str = "ompi_mpi_byte";

/// Source: `mpi.h` of Open MPI 5.0.11.
pub(crate) const fn open_mpi_abi(world: Handle, byte: Handle) -> Abi {
    Abi { world, byte, serialized: 2 }
}
