//! The commands of the program.

/// The commands of this program, as `kennel --help` lists them.
pub const COMMANDS: [&str; 16] = [
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
    "bench",
    "models",
    "doctor",
    "completions",
    "man",
];
