//! Corrections of labels that a person makes on the page. The person's photos stay as they are: the
//! corrections lie in a table, which preparing the photos reads.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use super::table;
use crate::problem::Problem;

/// File of the corrections, in the page's folder: columns `path`, `label`, `suggested`, `aside`.
const FILE: &str = "fixes.csv";
/// File of the labels that an audit finds probably wrong, in the page's folder.
const SUGGESTED: &str = "suggested.csv";

/// A correction of a photo.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fix {
    /// The photo, as it is called in the person's folder.
    pub path: String,
    /// The label that it has there.
    pub label: String,
    /// The right label; empty if it stays.
    #[serde(default)]
    pub suggested: String,
    /// `yes` if the photo is left out.
    #[serde(default)]
    pub aside: String,
}

/// The corrections, the newest last.
pub struct Fixes {
    folder: PathBuf,
    writing: Mutex<()>,
}

impl Fixes {
    /// Corrections in a folder, which is made with the first.
    pub fn new(folder: PathBuf) -> Self {
        Self { folder, writing: Mutex::default() }
    }

    /// The table, if there are corrections.
    ///
    /// # Errors
    ///
    /// 500 for a table that cannot be read.
    pub fn table(&self) -> Result<Option<PathBuf>, Problem> {
        Ok((!self.read()?.is_empty()).then(|| self.folder.join(FILE)))
    }

    /// Where an audit writes the labels that are probably wrong.
    pub fn suggestions(&self) -> PathBuf {
        self.folder.join(SUGGESTED)
    }

    /// Reads what an audit has found.
    pub fn read_suggestions(&self) -> Vec<Fix> {
        table::read(&self.suggestions()).unwrap_or_default()
    }

    /// Reads the corrections, the newest last.
    ///
    /// # Errors
    ///
    /// 500 for a table that cannot be read.
    pub fn read(&self) -> Result<Vec<Fix>, Problem> {
        table::read(&self.folder.join(FILE))
    }

    /// Adds a correction, in place of an earlier one of the photo.
    ///
    /// # Errors
    ///
    /// 500 if the table cannot be read or written.
    pub fn add(&self, fix: Fix) -> Result<Vec<Fix>, Problem> {
        let _writing = self.lock();
        let mut fixes = self.read()?;
        fixes.retain(|earlier| earlier.path != fix.path);
        fixes.push(fix);
        self.write(fixes)
    }

    /// Takes the newest correction back.
    ///
    /// # Errors
    ///
    /// 404 if there is none; 500 if the table cannot be read or written.
    pub fn undo(&self) -> Result<Vec<Fix>, Problem> {
        let _writing = self.lock();
        let mut fixes = self.read()?;
        if fixes.pop().is_none() {
            return Err(Problem::not_found("there is no correction to take back"));
        }
        self.write(fixes)
    }

    /// Takes back the corrections of photos that are no longer there.
    ///
    /// # Errors
    ///
    /// 500 if the table cannot be read or written.
    pub fn forget(&self, gone: &HashSet<String>) -> Result<(), Problem> {
        let _writing = self.lock();
        let (gone, kept): (Vec<Fix>, Vec<Fix>) =
            self.read()?.into_iter().partition(|fix| gone.contains(&fix.path));
        match gone.is_empty() {
            true => Ok(()),
            false => self.write(kept).map(|_| ()),
        }
    }

    fn write(&self, fixes: Vec<Fix>) -> Result<Vec<Fix>, Problem> {
        let columns = ["path", "label", "suggested", "aside"];
        table::write(&self.folder.join(FILE), &columns, &fixes)?;
        Ok(fixes)
    }

    fn lock(&self) -> MutexGuard<'_, ()> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fix(path: &str, suggested: &str) -> Fix {
        Fix {
            path: path.into(),
            label: "cat".into(),
            suggested: suggested.into(),
            aside: String::new(),
        }
    }

    #[test]
    fn corrections_are_kept_and_taken_back_newest_first() {
        let dir = tempfile::tempdir().unwrap();
        let fixes = Fixes::new(dir.path().join("new"));
        assert_eq!(fixes.table().unwrap(), None);
        fixes.add(fix("a.jpg", "dog")).unwrap();
        fixes.add(fix("b, \"c\".jpg", "dog")).unwrap();
        fixes.add(fix("a.jpg", "bird")).unwrap();
        let expected = [fix("b, \"c\".jpg", "dog"), fix("a.jpg", "bird")];
        assert_eq!(fixes.read().unwrap(), expected);
        assert_eq!(Fixes::new(dir.path().join("new")).read().unwrap(), expected);
        assert_eq!(fixes.undo().unwrap(), [fix("b, \"c\".jpg", "dog")]);
        fixes.undo().unwrap();
        assert!(fixes.undo().is_err());
        assert_eq!(fixes.table().unwrap(), None);
    }
}
