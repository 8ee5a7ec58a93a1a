//! Which launcher started this process, with how many others: from its environment variables.

use crate::error::RanksError;

/// MPI libraries that share launchers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    /// Open MPI.
    OpenMpi,
    /// MPICH, and what descends from it: Intel MPI, MVAPICH, Cray MPICH.
    Mpich,
    /// The launcher starts programs of any library.
    Unknown,
}

/// The variables of a launcher.
struct Launcher {
    /// The number of processes.
    size: &'static str,
    /// A variable that must be there, too.
    also: &'static str,
    /// Whose library the launcher belongs to.
    family: Family,
}

/// The launchers. The first whose variables are there counts. `mpirun` comes before Slurm: within a
/// step, its processes inherit the variables of the step, which count the daemons of `mpirun`.
const LAUNCHERS: [Launcher; 4] = [
    // Open MPI's `mpirun`. Source: Open MPI 5.0, "Environment variables set for MPI applications".
    Launcher {
        size: "OMPI_COMM_WORLD_SIZE",
        also: "OMPI_COMM_WORLD_SIZE",
        family: Family::OpenMpi,
    },
    // MVAPICH2's `mpirun_rsh`. Source: MVAPICH2, `src/pm/mpirun/mpispawn.c`.
    Launcher { size: "MV2_COMM_WORLD_SIZE", also: "MV2_COMM_WORLD_SIZE", family: Family::Mpich },
    // Hydra, the `mpiexec` of MPICH, Intel MPI and MVAPICH, and `srun --mpi=pmi2`. Seen with
    // `mpiexec -n 2 env` of MPICH 5.0.2.
    Launcher { size: "PMI_SIZE", also: "PMI_RANK", family: Family::Mpich },
    // `srun`. SLURM_NTASKS does not tell: the script of `sbatch -n 4` has it, and runs once. Only
    // the tasks of a step have SLURM_STEP_NUM_TASKS. Source: Slurm, `src/common/env.c`, which sets
    // it in `env_array_for_step` and not in `env_array_for_batch_job`.
    Launcher { size: "SLURM_STEP_NUM_TASKS", also: "SLURM_PROCID", family: Family::Unknown },
];

/// Set by launchers that speak PMIx, Open MPI's own protocol. Alone it comes from `prterun`, which
/// names no number of processes.
const PMIX_RANK: &str = "PMIX_RANK";

/// What a launcher says about this process.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Launch {
    /// The variable with its value, for messages.
    pub said: String,
    /// The number of processes, if the launcher names it.
    pub size: Option<usize>,
    /// The number of this process, if the launcher names no number of processes.
    pub rank: Option<usize>,
    /// Whose library the launcher belongs to.
    pub family: Family,
}

impl Launch {
    /// Reads the variables. `None` if no launcher started this process, or this process alone.
    pub fn read(variable: &dyn Fn(&str) -> Option<String>) -> Result<Option<Self>, RanksError> {
        let pmix_rank = number(variable, PMIX_RANK, 0)?;
        for launcher in &LAUNCHERS {
            if variable(launcher.also).is_none() {
                continue;
            }
            let Some(size) = number(variable, launcher.size, 1)? else { continue };
            if size == 1 {
                return Ok(None);
            }
            let family = match launcher.family {
                Family::Unknown if pmix_rank.is_some() => Family::OpenMpi,
                family => family,
            };
            let said = format!("{}={size}", launcher.size);
            return Ok(Some(Self { said, size: Some(size), rank: None, family }));
        }
        Ok(pmix_rank.map(|rank| Self {
            said: format!("{PMIX_RANK}={rank}"),
            size: None,
            rank: Some(rank),
            family: Family::OpenMpi,
        }))
    }

    /// Whether this is what MPI says.
    pub fn agrees(&self, rank: usize, size: usize) -> bool {
        self.size.is_none_or(|said| said == size) && self.rank.is_none_or(|said| said == rank)
    }
}

fn number(
    variable: &dyn Fn(&str) -> Option<String>,
    name: &'static str,
    least: usize,
) -> Result<Option<usize>, RanksError> {
    let Some(found) = variable(name).filter(|value| !value.is_empty()) else { return Ok(None) };
    match found.parse() {
        Ok(number) if number >= least => Ok(Some(number)),
        _ => Err(RanksError::Variable { variable: name, found, least }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Option<Launch>, RanksError> {
        Launch::read(&|name| {
            let found = variables.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| (*value).into())
        })
    }

    #[test]
    fn each_launcher_is_known_by_its_variables() {
        type Case = (&'static [(&'static str, &'static str)], Option<usize>, Family);
        let cases: [Case; 7] = [
            (
                &[("OMPI_COMM_WORLD_SIZE", "4"), ("OMPI_COMM_WORLD_LOCAL_RANK", "1")],
                Some(4),
                Family::OpenMpi,
            ),
            (
                &[("MV2_COMM_WORLD_SIZE", "2"), ("MV2_COMM_WORLD_LOCAL_RANK", "0")],
                Some(2),
                Family::Mpich,
            ),
            (
                &[("PMI_SIZE", "8"), ("PMI_RANK", "5"), ("MPI_LOCALRANKID", "2")],
                Some(8),
                Family::Mpich,
            ),
            // `srun --mpi=pmi2`
            (
                &[
                    ("PMI_SIZE", "2"),
                    ("PMI_RANK", "1"),
                    ("SLURM_STEP_NUM_TASKS", "2"),
                    ("SLURM_PROCID", "1"),
                    ("SLURM_LOCALID", "1"),
                ],
                Some(2),
                Family::Mpich,
            ),
            // `srun --mpi=none`
            (
                &[("SLURM_STEP_NUM_TASKS", "4"), ("SLURM_PROCID", "0"), ("SLURM_LOCALID", "0")],
                Some(4),
                Family::Unknown,
            ),
            // `srun --mpi=pmix`
            (
                &[("SLURM_STEP_NUM_TASKS", "4"), ("SLURM_PROCID", "3"), ("PMIX_RANK", "3")],
                Some(4),
                Family::OpenMpi,
            ),
            // `prterun`
            (&[("PMIX_RANK", "1")], None, Family::OpenMpi),
        ];
        for (variables, size, family) in cases {
            let launch = read(variables).unwrap().unwrap();
            assert_eq!(launch.size, size, "{variables:?}");
            assert_eq!(launch.family, family, "{variables:?}");
        }
    }

    #[test]
    fn a_process_that_nothing_launched_is_alone() {
        let cases: [&[(&str, &str)]; 6] = [
            &[],
            &[("OMPI_COMM_WORLD_SIZE", "1"), ("PMIX_RANK", "0")],
            &[("PMI_SIZE", "1"), ("PMI_RANK", "0")],
            // The script of `sbatch -n 4`: an allocation of four tasks, and no step of them.
            &[("SLURM_NTASKS", "4"), ("SLURM_PROCID", "0"), ("SLURM_LOCALID", "0")],
            // `srun -n 1`
            &[("SLURM_STEP_NUM_TASKS", "1"), ("SLURM_PROCID", "0"), ("PMIX_RANK", "0")],
            &[("OMPI_COMM_WORLD_SIZE", "")],
        ];
        for variables in cases {
            assert_eq!(read(variables).unwrap(), None, "{variables:?}");
        }
    }

    #[test]
    fn mpirun_within_a_step_of_slurm_counts_its_own_processes() {
        let launch = read(&[
            ("SLURM_STEP_NUM_TASKS", "2"),
            ("SLURM_PROCID", "0"),
            ("OMPI_COMM_WORLD_SIZE", "8"),
        ]);
        assert_eq!(launch.unwrap().unwrap().said, "OMPI_COMM_WORLD_SIZE=8");
    }

    #[test]
    fn a_value_that_is_not_a_count_is_an_error() {
        for value in ["many", "-1", "0", "2.0"] {
            let error = read(&[("PMI_SIZE", value), ("PMI_RANK", "0")]).unwrap_err().to_string();
            assert_eq!(
                error,
                format!("PMI_SIZE is `{value}`, expected a whole number of at least 1")
            );
        }
    }

    #[test]
    fn a_library_of_another_launcher_does_not_agree() {
        let launch = read(&[("OMPI_COMM_WORLD_SIZE", "2")]).unwrap().unwrap();
        assert!(launch.agrees(1, 2) && !launch.agrees(0, 1));
        let launch = read(&[("PMIX_RANK", "1")]).unwrap().unwrap();
        assert!(launch.agrees(1, 2) && !launch.agrees(0, 1));
    }
}
