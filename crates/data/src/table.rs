//! Reads a table of photos: CSV with a header, one photo a line.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use kennel_core::{did_you_mean, files};

use crate::error::{DataError, LINES_SHOWN, Result};

/// A table whose first line names its columns.
#[derive(Debug)]
pub(crate) struct Table {
    path: PathBuf,
    rows: Vec<Row>,
}

/// One line of a table.
#[derive(Debug)]
pub(crate) struct Row {
    /// Line in the file, from 1.
    pub line: u64,
    /// Source of a photo, relative to the folder or archive, with `/`.
    pub photo: String,
    /// The other wanted columns; `None` where the table lacks one.
    pub values: Vec<Option<String>>,
}

/// A column beside `path`.
pub(crate) struct Column {
    pub name: &'static str,
    /// Whether a table without it is refused.
    pub needed: bool,
}

impl Table {
    /// Reads the columns `path` and `columns` of a CSV file. The first line names them, in any
    /// order; other columns are not read.
    ///
    /// # Errors
    ///
    /// A file that cannot be read; [`DataError::Table`] for a missing column, a line that is no
    /// CSV, and a photo that is listed twice.
    pub fn read(path: &Path, columns: &[Column]) -> Result<Self> {
        // The reader counts a line of `\r\n` too late.
        let text = files::read_text(path)?.replace("\r\n", "\n");
        let mut reader =
            csv::ReaderBuilder::new().trim(csv::Trim::Headers).from_reader(text.as_bytes());
        let refuse = |error: csv::Error| match error.position().map(csv::Position::line) {
            Some(line) => DataError::table(path, vec![(line, said(&error))]),
            None => DataError::table(path, vec![(1, error.to_string())]),
        };
        let header = reader.headers().map_err(refuse)?.clone();
        let place = |name: &str| header.iter().position(|column| column == name);
        let missing = |name: &str| {
            let found = header.iter().collect::<Vec<_>>().join(", ");
            let reason = format!("there is no column `{name}` among `{found}`");
            DataError::table(path, vec![(1, reason)])
        };
        let of_photo = place("path").ok_or_else(|| missing("path"))?;
        let places: Vec<Option<usize>> = columns.iter().map(|column| place(column.name)).collect();
        let lacks = |(column, place): &(&Column, &Option<usize>)| column.needed && place.is_none();
        if let Some((column, _)) = columns.iter().zip(&places).find(lacks) {
            return Err(missing(column.name));
        }
        let mut rows = Vec::new();
        for record in reader.records() {
            let record = record.map_err(refuse)?;
            let value = |at: usize| record.get(at).unwrap_or_default().to_string();
            rows.push(Row {
                line: record.position().map_or(0, csv::Position::line),
                photo: value(of_photo).replace('\\', "/"),
                values: places.iter().map(|place| place.map(value)).collect(),
            });
        }
        let table = Table { path: path.into(), rows };
        table.check_once()?;
        Ok(table)
    }

    /// The rows, in the order of the file.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Returns the rows by their photos. Every row must name one of `sources`.
    ///
    /// # Errors
    ///
    /// [`DataError::Table`] with every row of another photo.
    pub fn by_photo<'a>(
        &self,
        sources: impl Iterator<Item = &'a str>,
    ) -> Result<HashMap<&str, &Row>> {
        let sources: Vec<&str> = sources.collect();
        let mut unknown: HashMap<&str, &Row> =
            self.rows.iter().map(|row| (row.photo.as_str(), row)).collect();
        let by_photo = unknown.clone();
        sources.iter().for_each(|source| {
            unknown.remove(*source);
        });
        let mut unknown: Vec<&Row> = unknown.into_values().collect();
        unknown.sort_by_key(|row| row.line);
        let problem = |(at, row): (usize, &Row)| {
            // A search through all photos is for the lines that the message shows.
            let meant = (at < LINES_SHOWN)
                .then(|| did_you_mean(&row.photo, sources.iter().copied()))
                .flatten()
                .map(|meant| format!("; did you mean `{meant}`?"));
            let reason = format!("there is no usable photo `{}` in the source", row.photo);
            (row.line, reason + &meant.unwrap_or_default())
        };
        let problems = unknown.into_iter().enumerate().map(problem).collect();
        self.refuse(problems)?;
        Ok(by_photo)
    }

    /// Refuses the table if there are `problems`, each with its line.
    pub fn refuse(&self, problems: Vec<(u64, String)>) -> Result<()> {
        match problems.is_empty() {
            true => Ok(()),
            false => Err(DataError::table(&self.path, problems)),
        }
    }

    fn check_once(&self) -> Result<()> {
        let mut seen = HashMap::new();
        let twice = |row: &Row| {
            let first = *seen.entry(row.photo.clone()).or_insert(row.line);
            let reason = format!("`{}` is listed in line {first} already", row.photo);
            (first != row.line).then_some((row.line, reason))
        };
        let problems = self.rows.iter().filter_map(twice).collect();
        self.refuse(problems)
    }
}

/// Returns the message of an error without its position, which the line already states.
fn said(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("it has {len} fields, expected {expected_len}")
        }
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Table, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.csv");
        std::fs::write(&path, text).unwrap();
        let columns =
            [Column { name: "group", needed: true }, Column { name: "note", needed: false }];
        Table::read(&path, &columns)
            .map_err(|error| error.to_string().replace(&*folder.path().to_string_lossy(), ""))
    }

    #[test]
    fn columns_are_found_by_name_and_a_missing_one_is_none() {
        let table =
            read("\u{feff}group, extra,path\r\nrex,7,\"dogs/a, b.jpg\"\r\n,8,dogs/2.jpg").unwrap();
        let rows: Vec<_> = table
            .rows
            .iter()
            .map(|row| (row.line, row.photo.as_str(), row.values[0].as_deref()))
            .collect();
        assert_eq!(rows, [(2, "dogs/a, b.jpg", Some("rex")), (3, "dogs/2.jpg", Some(""))]);
        assert_eq!(table.rows[0].values[1], None);
        let sources = ["dogs/2.jpg", "dogs/a, b.jpg", "dogs/3.jpg"];
        assert_eq!(table.by_photo(sources.into_iter()).unwrap().len(), 2);
    }

    #[test]
    fn every_line_that_cannot_be_used_is_named() {
        for (text, expected) in [
            ("path;group\na;b\n", "/t.csv:1: there is no column `path` among `path;group`"),
            ("path\na\n", "/t.csv:1: there is no column `group` among `path`"),
            ("", "/t.csv:1: there is no column `path` among ``"),
            ("path,group\na,b\nc\n", "/t.csv:3: it has 1 fields, expected 2"),
            (
                "path,group\na,1\nb,1\na,1\nb,2\n",
                "/t.csv: 2 lines cannot be used\n  line 4: `a` is listed in line 2 already\n  line 5: \
                 `b` is listed in line 3 already",
            ),
        ] {
            assert_eq!(read(text).unwrap_err().replace('\\', "/"), expected);
        }
        let table = read("path,group\ndogs/1.jpg,1\ndogs/2.jpeg,1\n").unwrap();
        let error = table.by_photo(["dogs/1.jpg", "dogs/2.jpg"].into_iter()).unwrap_err();
        let expected = "t.csv:3: there is no usable photo `dogs/2.jpeg` in the source; did you mean \
             `dogs/2.jpg`?";
        assert!(error.to_string().ends_with(expected), "{error}");
    }
}
