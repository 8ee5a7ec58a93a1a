//! Run directories -> tables, figures, one HTML page. Reads files only, never a model.
//!
//! Reads finished runs ([`run`]), summarises and compares them ([`comparison`]), runs the checks
//! that every report carries ([`honesty`]), and writes figures and texts under `results/` and
//! everything together as one page ([`page`]). Writes an audit of labels as a page of pictures,
//! too.

mod error;

// From files to runs.
mod run;
mod unknown_photos;

// From runs to results.
mod audit_report;
mod commands;
mod comparison;
mod diagnosis;
mod honesty;
mod more_photos;
mod published;
mod settings;
mod summary;

// From results to figures, tables and pages.
mod classification_report;
mod drawings;
pub mod figures;
mod gallery;
mod page;
mod pictures;
mod report;
mod table;
mod write;
mod write_audit;

pub use audit_report::AuditReport;
pub use commands::{Commands, Named, NoCommands};
pub use comparison::{Comparison, LEVEL, Pair, Power, Seed, SeedGroup, format_p, p_equals};
pub use diagnosis::{Curves, Diagnosis, Finding, diagnose};
pub use drawings::{Figure, Figures};
pub use error::{ReportError, Result};
pub use honesty::{Check, Level, Overlap, PICTURES, checks, overlap};
pub use more_photos::MorePhotos;
pub use published::{
    Against, AgainstPair, PublishedHistory, PublishedResults, read_published, set_against,
};
pub use report::Report;
pub use run::{FinishedRun, LeftOut, Predictions, TestSet, read_runs};
pub use summary::{RunSummary, Scores};
pub use table::{COLUMNS, LEAST, NUMBERS, render_comparison, rows};
pub use unknown_photos::UnknownPhotos;
pub use write::{Written, write_report};
pub use write_audit::write_audit;
