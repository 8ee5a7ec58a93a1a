//! Run directories -> tables, figures, one HTML page. Reads files only, never a model.
//!
//! Reads finished runs ([`run`]), summarises and compares them ([`comparison`]), runs the checks
//! that every report carries ([`honesty`]), and writes figures and texts under `results/` and
//! everything together as one page ([`page`]). Writes an audit of labels as a page of pictures,
//! too.

mod error;
mod p_value;
mod thousands;
mod words;

// From files to runs.
mod run;
mod unknown_photos;

// From runs to results.
mod audit_report;
mod commands;
mod comparison;
mod course;
mod diagnosis;
mod drawn;
mod honesty;
mod judged;
mod judged_on;
mod labels_audit;
mod more_photos;
mod published;
mod settings;
mod summary;
mod tried;

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
pub use comparison::{Comparison, Pair, Power, Seed, SeedGroup};
pub use course::Finding;
pub use diagnosis::{Curves, Diagnosis, diagnose};
pub use drawings::{Figure, Figures};
pub use drawn::{heat_map, photo_map_of};
pub use error::{ReportError, Result};
pub use honesty::{Check, CheckKind, Level, Overlap, checks, overlap};
pub use labels_audit::LabelsAudit;
pub use more_photos::MorePhotos;
pub use p_value::{LEVEL, format_p, p_equals};
pub use page::{PhotosShown, photos_shown, run_mapped};
pub use published::{
    Against, AgainstPair, PublishedHistory, PublishedResults, read_published, set_against,
};
pub use report::{Report, Shows};
pub use run::{FinishedRun, LeftOut, Predictions, TestSet, read_runs};
pub use summary::{RunSummary, Scores};
pub use table::{COLUMNS, LEAST, NUMBERS, render_comparison, rows};
pub use tried::Tried;
pub use unknown_photos::UnknownPhotos;
pub use write::{Written, write_report};
pub use write_audit::write_audit;
