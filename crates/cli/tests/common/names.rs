//! The commands of the program.

/// The commands of this program, as `kennel --help` lists them.
pub const COMMANDS: [&str; 17] = [
    "demo",
    "prepare",
    "train",
    "run",
    "evaluate",
    "audit",
    "report",
    "export",
    "ensemble",
    "predict",
    "explain",
    "serve",
    "bench",
    "models",
    "doctor",
    "completions",
    "man",
];
