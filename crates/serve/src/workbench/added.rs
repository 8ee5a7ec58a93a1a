//! Photos that a person adds on the page. They lie in a folder of the page's, which preparing the
//! photos reads beside the person's own.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use kennel_core::{caseless, composed, files};
use kennel_data::{PrepareOptions, added_name, decode, refused_class_name};
use serde::{Deserialize, Serialize};

use super::table;
use crate::problem::Problem;
use crate::upload::Upload;

/// Folder of the added photos, in the page's folder: one folder per class.
const FOLDER: &str = "added";
/// Table of the added photos, in the page's folder.
const FILE: &str = "added.csv";
/// Longest name that a photo keeps, in bytes, without its ending.
const MAX_STEM: usize = 120;

/// A photo that was added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddedPhoto {
    /// Number of the choice of files that it was one of. They are taken back together.
    pub choice: u64,
    /// Its class.
    pub class: String,
    /// Its file, in the folder of the class.
    pub file: String,
    /// SHA-256 of the file.
    pub sha256: String,
}

/// The added photos, the newest last.
pub struct Added {
    folder: PathBuf,
    name: String,
    writing: Mutex<()>,
}

impl Added {
    /// Photos in a folder of the page's, which is made with the first.
    pub fn new(folder: PathBuf) -> Self {
        let name = added_name(Path::new(FOLDER)).expect("its name is plain");
        Self { folder, name, writing: Mutex::default() }
    }

    /// The folder of class folders, if photos were added.
    ///
    /// # Errors
    ///
    /// 500 for a table that cannot be read.
    pub fn photos(&self) -> Result<Option<PathBuf>, Problem> {
        Ok((!self.read()?.is_empty()).then(|| self.folder.join(FOLDER)))
    }

    /// What a photo is called once it is prepared.
    fn source_of(&self, photo: &AddedPhoto) -> String {
        format!("{}/{}/{}", self.name, photo.class, photo.file)
    }

    /// Whether a prepared photo was an added one.
    pub fn is_added(&self, source: &str) -> bool {
        source.strip_prefix(&self.name).is_some_and(|rest| rest.starts_with('/'))
    }

    /// Reads the added photos that are there, the newest last.
    ///
    /// # Errors
    ///
    /// 500 for a table that cannot be read.
    pub fn read(&self) -> Result<Vec<AddedPhoto>, Problem> {
        let mut photos: Vec<AddedPhoto> = table::read(&self.folder.join(FILE))?;
        photos.retain(|photo| is_plain(&photo.class) && is_plain(&photo.file));
        // A row is written before its file, and removed after it.
        photos.retain(|photo| self.place(photo).is_file());
        Ok(photos)
    }

    /// Returns the class that is called `asked`: one of `known`, one of an added photo, or a new
    /// one.
    ///
    /// # Errors
    ///
    /// 400 for a name that no folder of a new class may have.
    pub fn class(&self, asked: &str, known: &[String]) -> Result<String, Problem> {
        let asked = composed(asked);
        let added: Vec<String> = self.read()?.into_iter().map(|photo| photo.class).collect();
        let classes = || known.iter().chain(&added);
        if is_plain(&asked) && classes().any(|class| *class == asked) {
            return Ok(asked);
        }
        let refuse = |reason: String| Problem::bad(format!("{asked:?} is no class: {reason}"));
        if let Some(reason) = refused_class_name(&asked) {
            return Err(refuse(reason.into()));
        }
        match classes().find(|class| caseless(class) == caseless(&asked)) {
            Some(twin) => Err(refuse(format!("{twin:?} differs only in capitals or spaces"))),
            None => Ok(asked),
        }
    }

    /// Keeps a photo for a class, as one of a choice of files. Returns why it is not kept, if it is
    /// not.
    ///
    /// # Errors
    ///
    /// 500 if it cannot be written.
    pub fn add(
        &self,
        class: &str,
        choice: u64,
        photo: &Upload,
    ) -> Result<Result<(), String>, Problem> {
        let (width_px, height_px) = match decode(&photo.bytes) {
            Ok(decoded) => decoded.photo.dimensions(),
            Err(error) => return Ok(Err(error.to_string())),
        };
        // As preparing asks for.
        let least = PrepareOptions::default().min_side_px;
        if width_px.min(height_px) < least {
            return Ok(Err(format!(
                "too small: {width_px} x {height_px} pixels, the shorter side must have {least}"
            )));
        }
        let sha256 = files::sha256_bytes(&photo.bytes);
        let _writing = self.lock();
        let mut photos = self.read()?;
        if let Some(same) = photos.iter().find(|same| same.sha256 == sha256) {
            return Ok(Err(format!("it is added to {:?} already", same.class)));
        }
        let folder = self.folder.join(FOLDER).join(class);
        files::create_dir_all(&folder).map_err(Problem::of_file)?;
        let file = free_name(&folder, &photo.name, &photo.bytes);
        let path = folder.join(&file);
        photos.push(AddedPhoto { choice, class: class.into(), file, sha256 });
        self.write(&photos)?;
        files::write_atomically(&path, &photo.bytes).map_err(Problem::of_file)?;
        Ok(Ok(()))
    }

    /// Takes the newest choice of photos back. Returns what the photos were called.
    ///
    /// # Errors
    ///
    /// 404 if there is none; 500 if a photo cannot be removed.
    pub fn undo(&self) -> Result<HashSet<String>, Problem> {
        let _writing = self.lock();
        let photos = self.read()?;
        let Some(newest) = photos.last().map(|photo| photo.choice) else {
            return Err(Problem::not_found("there is no added photo to take back"));
        };
        let (gone, kept): (Vec<_>, Vec<_>) =
            photos.into_iter().partition(|photo| photo.choice == newest);
        for photo in &gone {
            let path = self.place(photo);
            std::fs::remove_file(&path).map_err(Problem::of_file)?;
            // It stays if it holds other photos.
            let _ = std::fs::remove_dir(files::folder_of(&path));
        }
        self.write(&kept)?;
        Ok(gone.iter().map(|photo| self.source_of(photo)).collect())
    }

    fn place(&self, photo: &AddedPhoto) -> PathBuf {
        self.folder.join(FOLDER).join(&photo.class).join(&photo.file)
    }

    fn write(&self, photos: &[AddedPhoto]) -> Result<(), Problem> {
        let columns = ["choice", "class", "file", "sha256"];
        table::write(&self.folder.join(FILE), &columns, photos)
    }

    fn lock(&self) -> MutexGuard<'_, ()> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a name is that of one file or folder, and leads nowhere else.
fn is_plain(name: &str) -> bool {
    !name.is_empty() && !name.contains(['/', '\\']) && files::stays_inside(name)
}

/// Returns a name in `folder` that no file has, after the one that a client gave. The contents say
/// how it ends.
fn free_name(folder: &Path, given: &str, bytes: &[u8]) -> String {
    let stem = safe_stem(given);
    let ending = match image::guess_format(bytes) {
        Ok(format) => format.extensions_str()[0],
        // Formats that are read, and that `image` does not know: HEIC and BigTIFF.
        Err(_) if bytes.get(4..8) == Some(b"ftyp") => "heic",
        Err(_) => "tif",
    };
    let is_free = |name: &String| folder.join(name).symlink_metadata().is_err();
    let numbered = (2..).map(|number| format!("{stem}-{number}.{ending}"));
    let mut names = std::iter::once(format!("{stem}.{ending}")).chain(numbered);
    names.find(is_free).expect("the numbers do not end")
}

/// Returns the name of a file without its folder and ending, of letters that every system takes.
fn safe_stem(given: &str) -> String {
    let name = given.rsplit(['/', '\\']).next().unwrap_or_default();
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let safe = |letter: char| match letter {
        ' ' | '-' | '_' | '(' | ')' => letter,
        letter if letter.is_alphanumeric() => letter,
        _ => '_',
    };
    let mut stem: String = composed(stem.trim()).chars().map(safe).collect();
    while stem.len() > MAX_STEM {
        stem.pop();
    }
    if stem.is_empty() { "photo".into() } else { stem }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_are_made_safe() {
        for (given, expected) in [
            ("IMG_1.JPG", "IMG_1"),
            ("../../etc/passwd", "passwd"),
            ("C:\\photos\\фото 1.png", "фото 1"),
            (".hidden.jpg", "_hidden"),
            ("a<b>:c?.png", "a_b__c_"),
            ("..", "_"),
            ("", "photo"),
            ("-", "-"),
        ] {
            assert_eq!(safe_stem(given), expected, "{given}");
        }
        assert!(safe_stem(&"ж".repeat(300)).len() <= MAX_STEM);
    }
}
