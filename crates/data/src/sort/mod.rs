//! Sorts labelled photos into a folder per class, and undoes it.
//!
//! - [`folder_names`] turns classes into names of folders; [`Bin`] is where a photo belongs.
//! - The [`Sorter`] decides the name of each photo, writes that into the journal, `sorted.jsonl`,
//!   and only then copies, links or moves the photo. So a process that is killed at any instant has
//!   neither lost a photo nor forgotten where one came from.
//! - [`undo`] reads the journal from its end to its beginning.

mod folders;
mod journal;
mod transfer;

mod sorter;
mod undo;

pub use folders::{Bin, folder_names};
pub use journal::JOURNAL;
pub use sorter::Sorter;
pub use transfer::SortBy;
pub use undo::{Undone, undo};
