//! The processes of one launch, and what they do together.

use std::process;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::error::RanksError;
use crate::launcher::Launch;
use crate::mpi::Mpi;
use crate::tree;

/// Values that are exchanged at a time: 4 MiB, so that they are added while they are in the cache.
/// Two ranks on one machine sum 25,557,032 values in 0.05-0.07 s, with MPICH 5.0.2 and Open MPI
/// 5.0.11 (`mpirun -n 2 target/release/examples/ranks 25557032`).
const PIECE_VALUES: usize = 1 << 20;

/// This process among those that a launcher started together, numbered from 0.
///
/// Every process calls the same operations in the same order: each one waits for the others. A
/// process that fails must not drop its `Ranks` while others wait in an operation, since dropping
/// waits, too (`MPI_Finalize`): call [`abort`](Self::abort). A panic that drops it ends all
/// processes, as does `process::exit` with a code that is not 0. So does an error within MPI.
///
/// Threads may share it and take turns (`MPI_THREAD_SERIALIZED`). MPI asks that the thread which
/// joined also drops it.
#[derive(Debug)]
pub struct Ranks {
    rank: usize,
    size: usize,
    /// `None` in a process that is alone.
    mpi: Option<Mutex<Mpi>>,
}

impl Ranks {
    /// One process. Every operation is the identity.
    pub fn alone() -> Self {
        Self { rank: 0, size: 1, mpi: None }
    }

    /// Joins the processes of a launcher; [`alone`](Self::alone) if the variables name none, or one
    /// process. Call it once, before other threads read the environment: MPI libraries write to it.
    ///
    /// `variable` looks up an environment variable. `KENNEL_MPI` names a library's file to load in
    /// place of the search.
    ///
    /// # Errors
    ///
    /// - a launcher's variable is not a count
    /// - the number of processes is not a power of two
    /// - no MPI library can be loaded, or none at all on this system
    /// - the library belongs to another launcher (MPICH 5 ends the process itself, with its own
    ///   message), or does not let threads take turns
    pub fn join(variable: impl Fn(&str) -> Option<String>) -> Result<Self, RanksError> {
        let Some(launch) = Launch::read(&variable)? else { return Ok(Self::alone()) };
        check_size(launch.size.unwrap_or(1), &launch)?;
        let mpi = Mpi::start(&launch, variable("KENNEL_MPI").filter(|file| !file.is_empty()))?;
        let (rank, size) = (mpi.rank()?, mpi.size()?);
        if !launch.agrees(rank, size) {
            let (library, launched) = (mpi.library().into(), launch.said);
            return Err(RanksError::OtherLauncher { library, rank, size, launched });
        }
        check_size(size, &launch)?;
        Ok(Self { rank, size, mpi: Some(Mutex::new(mpi)) })
    }

    /// The number of this process.
    pub fn rank(&self) -> usize {
        self.rank
    }

    /// The number of processes: 1, 2, 4, 8 ..
    pub fn size(&self) -> usize {
        self.size
    }

    /// Whether this is rank 0.
    pub fn is_first(&self) -> bool {
        self.rank == 0
    }

    /// File and version of the MPI library, as in `libmpi.so.12: MPICH Version: 5.0.2`; `None` in a
    /// process that is alone.
    pub fn library(&self) -> Option<String> {
        Some(self.mpi()?.library().into())
    }

    /// Replaces the bytes by those of rank 0.
    ///
    /// # Errors
    ///
    /// [`RanksError::Call`] if MPI reports an error and does not end the processes.
    pub fn broadcast(&self, bytes: &mut Vec<u8>) -> Result<(), RanksError> {
        let Some(mpi) = self.mpi() else { return Ok(()) };
        let length = self.lengths(&mpi, bytes.len())?[0];
        bytes.resize(length, 0);
        mpi.broadcast(bytes, 0)
    }

    /// The bytes of every rank, in the order of ranks. Lengths may differ.
    ///
    /// # Errors
    ///
    /// As [`broadcast`](Self::broadcast).
    pub fn gather(&self, bytes: &[u8]) -> Result<Vec<Vec<u8>>, RanksError> {
        let Some(mpi) = self.mpi() else { return Ok(vec![bytes.into()]) };
        let mut all = Vec::with_capacity(self.size);
        for (root, length) in self.lengths(&mpi, bytes.len())?.into_iter().enumerate() {
            // One broadcast a rank, and not `MPI_Allgather`, which wants equal lengths.
            let mut of_root = if root == self.rank { bytes.into() } else { vec![0; length] };
            mpi.broadcast(&mut of_root, root)?;
            all.push(of_root);
        }
        Ok(all)
    }

    /// Replaces the values by their sums over all ranks, added in the order of
    /// [`TreeSum`](crate::TreeSum): the same bits on every rank, with every library.
    ///
    /// # Errors
    ///
    /// - [`RanksError::Lengths`], on every rank, if they have different numbers of values
    /// - as [`broadcast`](Self::broadcast)
    pub fn sum(&self, values: &mut [f32]) -> Result<(), RanksError> {
        let Some(mpi) = self.mpi() else { return Ok(()) };
        let lengths = self.lengths(&mpi, values.len())?;
        if let Some(rank) = lengths.iter().position(|length| *length != lengths[0]) {
            let (found, expected) = (lengths[rank], lengths[0]);
            return Err(RanksError::Lengths { rank, found, expected });
        }
        // Pieces that each rank has an equal slice of, and a rest of fewer values than ranks.
        let rest = values.len() % self.size;
        let (whole, rest) = values.split_at_mut(values.len() - rest);
        let mut received = vec![0.0; PIECE_VALUES.max(self.size).min(whole.len())];
        for piece in whole.chunks_mut(PIECE_VALUES.max(self.size)) {
            self.sum_piece(&mpi, piece, &mut received[..piece.len()])?;
        }
        if !rest.is_empty() {
            let mut padded = vec![0.0; self.size];
            padded[..rest.len()].copy_from_slice(rest);
            self.sum_piece(&mpi, &mut padded, &mut vec![0.0; self.size])?;
            rest.copy_from_slice(&padded[..rest.len()]);
        }
        Ok(())
    }

    /// Each rank gets its slice from everyone, adds them up, and hands the sums round. Not
    /// `MPI_Allreduce`: its order is the library's, and may change with the number of processes.
    fn sum_piece(
        &self,
        mpi: &Mpi,
        piece: &mut [f32],
        received: &mut [f32],
    ) -> Result<(), RanksError> {
        mpi.all_to_all(piece, received)?;
        tree::add_slices(received, self.size);
        mpi.all_gather(&received[..piece.len() / self.size], piece)
    }

    /// Waits until every rank is here.
    ///
    /// # Errors
    ///
    /// As [`broadcast`](Self::broadcast).
    pub fn barrier(&self) -> Result<(), RanksError> {
        self.mpi().map_or(Ok(()), |mpi| mpi.barrier())
    }

    /// Ends the processes of all ranks, and the launcher with `code`. Alone: `process::exit`.
    pub fn abort(&self, code: i32) -> ! {
        // While another thread is in an operation, MPI must not be called. Ending this process is
        // enough: its launcher ends the others.
        if let Some(Ok(mpi)) = self.mpi.as_ref().map(Mutex::try_lock) {
            mpi.abort(code);
        }
        process::exit(code)
    }

    fn mpi(&self) -> Option<MutexGuard<'_, Mpi>> {
        // The lock only orders the calls: a panic leaves nothing to repair.
        Some(self.mpi.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A number of each rank.
    fn lengths(&self, mpi: &Mpi, length: usize) -> Result<Vec<usize>, RanksError> {
        let mut lengths = vec![0; self.size];
        mpi.all_gather(&[length as u64], &mut lengths)?;
        Ok(lengths.into_iter().map(|length| length as usize).collect())
    }
}

fn check_size(size: usize, launch: &Launch) -> Result<(), RanksError> {
    if size.is_power_of_two() {
        return Ok(());
    }
    Err(RanksError::NotPowerOfTwo { size, launched: launch.said.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn join(variables: &[(&str, &str)]) -> Result<Ranks, RanksError> {
        Ranks::join(|name| {
            let found = variables.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| (*value).into())
        })
    }

    #[test]
    fn every_operation_of_a_process_alone_is_the_identity() {
        let ranks = join(&[("KENNEL_MPI", "/no/library")]).unwrap();
        assert_eq!((ranks.rank(), ranks.size(), ranks.is_first()), (0, 1, true));
        assert_eq!(ranks.library(), None);
        let mut bytes = b"photo".to_vec();
        ranks.broadcast(&mut bytes).unwrap();
        assert_eq!(bytes, b"photo");
        assert_eq!(ranks.gather(&bytes).unwrap(), [b"photo"]);
        let mut values = [1.0, -0.0];
        ranks.sum(&mut values).unwrap();
        assert_eq!(values.map(f32::to_bits), [1.0, -0.0f32].map(f32::to_bits));
        ranks.barrier().unwrap();
    }

    #[test]
    fn three_processes_are_refused_before_a_library_is_loaded() {
        let error = join(&[("OMPI_COMM_WORLD_SIZE", "3")]).unwrap_err();
        assert!(matches!(error, RanksError::NotPowerOfTwo { size: 3, .. }), "{error}");
        assert_eq!(
            error.to_string(),
            "found 3 processes (OMPI_COMM_WORLD_SIZE=3), expected a power of two: 1, 2, 4, 8 .."
        );
    }

    #[test]
    fn a_launch_without_a_library_is_an_error() {
        let variables = [("PMI_SIZE", "2"), ("PMI_RANK", "0"), ("KENNEL_MPI", "/no/library.so")];
        match join(&variables).unwrap_err() {
            RanksError::NoLibrary { launched, tried } => {
                assert_eq!(launched, "PMI_SIZE=2");
                assert_eq!(tried.len(), 1);
                assert!(tried[0].contains("/no/library.so"), "{tried:?}");
            }
            RanksError::Unavailable { .. } => {}
            error => panic!("{error}"),
        }
    }

    #[test]
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    fn a_library_without_mpi_is_an_error_that_names_what_is_missing() {
        let variables = [("PMI_SIZE", "2"), ("PMI_RANK", "0"), ("KENNEL_MPI", "libm.so.6")];
        let error = join(&variables).unwrap_err();
        if matches!(error, RanksError::Unavailable { .. }) {
            return;
        }
        assert!(error.to_string().contains("MPI_Init_thread"), "{error}");
    }

    #[test]
    fn threads_may_share_it() {
        fn shared<T: Send + Sync>() {}
        shared::<Ranks>();
    }
}
