//! Opens data sets under an observer's eyes.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use kennel_core::hint::Stale;
use kennel_core::task::Event;
use kennel_core::{Hint, Note, Task, files, shown};
use kennel_data::{Dataset, Open, PrepareOptions};

use crate::{Control, Result};

/// Opens a data set to train on it. If that decodes every photo, the observer sees the progress and
/// the caller can stop it.
///
/// # Errors
///
/// A data set that is invalid; [`DataError::Stopped`](kennel_data::DataError::Stopped).
pub fn open_data(path: &Path, control: &mut Control) -> Result<Dataset> {
    opened(path, None, control, Dataset::open_with)
}

/// Opens a data set to evaluate a network that knows the classes `known`. Tells the observer what
/// was left out or decided.
///
/// # Errors
///
/// As [`open_data`].
pub fn open_data_to_judge(path: &Path, known: &[String], control: &mut Control) -> Result<Dataset> {
    let data = opened(path, Some(known), control, Dataset::open_to_judge)?;
    tell_notes(&data, control);
    Ok(data)
}

/// Opens a data set. If that decodes every photo, the observer sees the progress and the caller can
/// stop it.
fn opened(path: &Path, known: Option<&[String]>, control: &mut Control, open: Open) -> Result<Dataset> {
    let options = PrepareOptions { known, ..PrepareOptions::default() };
    let observer = Mutex::new(&mut *control.observer);
    let on = |event: Event<'_>| {
        if let Event::Photos { done, of } = event {
            observer.lock().unwrap_or_else(PoisonError::into_inner).predicting("checking", done, of);
        }
    };
    Ok(open(path, &options, Task::new(control.stop, &on))?)
}

/// Tells the observer about unlisted files, rejected photos and the manifest's notes.
pub fn tell_notes(data: &Dataset, control: &mut Control) {
    let manifest = data.manifest();
    // If the folder cannot be listed, reading its photos reports the error.
    if let [first, ..] = &data.unlisted().unwrap_or_default()[..] {
        let text = format!(
            "{} holds files that its manifest.json does not list, such as {first}: nobody looks at them",
            data.root().display()
        );
        control.observer.note(&Note::hinted(text, Hint::PrepareAgain(Stale::Unlisted)));
    }
    // `kennel prepare` has already reported these.
    if !data.is_prepared() {
        for rejected in &manifest.rejected {
            let text = format!("left out: {}: {}", shown(&rejected.path), rejected.reason);
            control.observer.note(&text.into());
        }
        for note in &manifest.notes {
            control.observer.note(&note.as_str().into());
        }
    }
}

/// SHA-256 of the manifest's text.
pub fn manifest_digest(data: &Dataset) -> Result<String> {
    let text = serde_json::to_string(data.manifest()).map_err(|error| kennel_core::CoreError::Malformed {
        path: PathBuf::from(kennel_core::Manifest::FILE_NAME),
        what: "manifest",
        reason: error.to_string(),
    })?;
    Ok(files::sha256_bytes(text.as_bytes()))
}
