//! Tables that the page keeps, as CSV.

use std::path::Path;

use kennel_core::files;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::problem::Problem;

/// Reads the rows of a table; none if there is no such file.
///
/// # Errors
///
/// 500 for a file that is no such table.
pub fn read<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>, Problem> {
    if !path.exists() {
        return Ok(Vec::new());
    }
    let text = files::read_text(path).map_err(Problem::of_file)?;
    let rows = csv::Reader::from_reader(text.as_bytes()).into_deserialize();
    rows.collect::<Result<_, _>>().map_err(Problem::of_file)
}

/// Writes a table under a line of its columns, and makes its folder.
///
/// # Errors
///
/// 500 if it cannot be written.
pub fn write<T: Serialize>(path: &Path, columns: &[&str], rows: &[T]) -> Result<(), Problem> {
    let mut table = csv::WriterBuilder::new().has_headers(false).from_writer(Vec::new());
    let written = table
        .write_record(columns)
        .and_then(|()| rows.iter().try_for_each(|row| table.serialize(row)));
    written.map_err(Problem::of_file)?;
    let bytes = table.into_inner().map_err(Problem::of_file)?;
    files::create_dir_all(files::folder_of(path)).map_err(Problem::of_file)?;
    files::write_atomically(path, &bytes).map_err(Problem::of_file)
}
