//! `--shard`: which share of the work is this process's.

use std::fmt;
use std::str::FromStr;

use kennel_core::{NotAShard, Shard};

use crate::failure::Failure;

/// What `--shard` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShardArg {
    /// `2/8`.
    Given(Shard),
    /// `auto`, or `auto/8` where the scheduler does not say how many there are.
    Auto(Option<usize>),
}

/// A shard, and who named it.
#[derive(Clone, Copy, Debug)]
pub struct FoundShard {
    pub shard: Shard,
    /// The variable that names it, if it was not given.
    variable: Option<&'static str>,
}

impl fmt::Display for FoundShard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.shard)?;
        self.variable.map_or(Ok(()), |variable| write!(f, " (from {variable})"))
    }
}

impl FromStr for ShardArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |error: NotAShard| format!("{error}, or auto, or auto/N");
        match text.strip_prefix("auto") {
            None => text.parse().map(ShardArg::Given).map_err(wrong),
            Some("") => Ok(ShardArg::Auto(None)),
            Some(of) => {
                let of = of.strip_prefix('/').and_then(|of| of.parse().ok());
                of.filter(|of| *of > 0)
                    .map(|of| ShardArg::Auto(Some(of)))
                    .ok_or_else(|| wrong(NotAShard))
            }
        }
    }
}

impl ShardArg {
    /// Returns the shard. `variable` looks up a variable of the environment.
    ///
    /// # Errors
    ///
    /// `auto` outside a scheduler's task, or without a number of shards.
    pub fn find(self, variable: impl Fn(&str) -> Option<String>) -> Result<FoundShard, Failure> {
        let of_flag = match self {
            ShardArg::Given(shard) => return Ok(FoundShard { shard, variable: None }),
            ShardArg::Auto(of) => of,
        };
        let number = |name: &str| -> Result<Option<usize>, Failure> {
            let Some(text) = variable(name) else { return Ok(None) };
            let number = text.trim().parse();
            number.map(Some).map_err(|_| Failure::Usage(format!("{name} is `{text}`, no number")))
        };
        for Scheduler { index, first, count } in &SCHEDULERS {
            let Some(place) = number(index)? else { continue };
            let first = match first {
                First::Is(first) => *first,
                First::In(name) => number(name)?.unwrap_or(0),
            };
            let count = count.map(number).transpose()?.flatten();
            if let (Some(of), Some(count)) = (of_flag, count)
                && of != count
            {
                // A part of an array that was submitted again does not say where it lay in it.
                return Err(Failure::Usage(format!(
                    "--shard auto/{of}: the array has {count} tasks, not {of}\n\
                     hint: submit the whole array again, or name the share: --shard {place}/{of}"
                )));
            }
            let Some(of) = of_flag.or(count) else {
                return Err(Failure::Usage(format!(
                    "--shard auto: {index} is {place}, but nothing says how many there are\n\
                     hint: --shard auto/N, with the number of tasks"
                )));
            };
            let shard = place.checked_sub(first).and_then(|index| Shard::new(index, of).ok());
            let shard = shard.ok_or_else(|| {
                Failure::Usage(format!(
                    "--shard auto: {index} is {place}, and there are {of} shards from {first}"
                ))
            })?;
            return Ok(FoundShard { shard, variable: Some(index) });
        }
        let names: Vec<&str> = SCHEDULERS.iter().map(|scheduler| scheduler.index).collect();
        Err(Failure::Usage(format!(
            "--shard auto: this is no task of a scheduler: none of {} is set\n\
             hint: name the share yourself, such as --shard 0/4",
            names.join(", ")
        )))
    }
}

/// The variables by which a scheduler numbers the tasks of a job.
struct Scheduler {
    index: &'static str,
    first: First,
    count: Option<&'static str>,
}

/// Number of the first task.
enum First {
    Is(usize),
    In(&'static str),
}

/// A Slurm array (`sbatch`, "Job Array Support"), a Kubernetes Indexed Job, GNU parallel.
const SCHEDULERS: [Scheduler; 3] = [
    Scheduler {
        index: "SLURM_ARRAY_TASK_ID",
        first: First::In("SLURM_ARRAY_TASK_MIN"),
        count: Some("SLURM_ARRAY_TASK_COUNT"),
    },
    Scheduler { index: "JOB_COMPLETION_INDEX", first: First::Is(0), count: None },
    Scheduler { index: "PARALLEL_SEQ", first: First::Is(1), count: None },
];

#[cfg(test)]
mod tests {
    use super::*;

    fn found(arg: &str, variables: &[(&str, &str)]) -> Result<String, String> {
        let variable = |name: &str| {
            let known = variables.iter().find(|(known, _)| *known == name);
            known.map(|(_, value)| value.to_string())
        };
        let arg: ShardArg = arg.parse()?;
        match arg.find(variable) {
            Ok(found) => Ok(found.shard.to_string()),
            Err(failure) => Err(failure.message().unwrap_or_default().to_string()),
        }
    }

    #[test]
    fn a_scheduler_says_which_share_it_is() {
        let slurm = [
            ("SLURM_ARRAY_TASK_ID", "7"),
            ("SLURM_ARRAY_TASK_MIN", "5"),
            ("SLURM_ARRAY_TASK_COUNT", "4"),
        ];
        assert_eq!(found("auto", &slurm), Ok("2/4".into()));
        assert_eq!(found("auto/4", &slurm), Ok("2/4".into()));
        let error = found("auto/8", &slurm).unwrap_err();
        assert!(error.contains("the array has 4 tasks, not 8"), "{error}");
        assert_eq!(found("1/3", &slurm), Ok("1/3".into()));
        assert_eq!(found("auto/25", &[("JOB_COMPLETION_INDEX", "24")]), Ok("24/25".into()));
        assert_eq!(found("auto/25", &[("PARALLEL_SEQ", "25")]), Ok("24/25".into()));
        for (arg, variables, says) in [
            ("auto", [("JOB_COMPLETION_INDEX", "3")], "auto/N"),
            ("auto/3", [("JOB_COMPLETION_INDEX", "3")], "3 shards from 0"),
            ("auto/3", [("PARALLEL_SEQ", "0")], "3 shards from 1"),
            ("auto/3", [("PARALLEL_SEQ", "x")], "no number"),
            ("auto", [("HOME", "/root")], "no task of a scheduler"),
            ("auto/0", [("HOME", "/root")], "expected I/N"),
            ("automatic", [("HOME", "/root")], "expected I/N"),
        ] {
            let error = found(arg, &variables).unwrap_err();
            assert!(error.contains(says), "{arg} {variables:?}: {error}");
        }
    }
}
