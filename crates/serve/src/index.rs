//! The photos of a run's data set, opened when they are first asked for.

use std::sync::{Arc, Mutex, PoisonError};

use axum::http::StatusCode;
use kennel_infer::PhotoIndex;

use crate::map::PhotoMap;
use crate::problem::Problem;

/// Opens the photos of a run, by what its network sees in them.
pub type Indexer = Box<dyn Fn() -> Result<PhotoIndex, String> + Send + Sync>;

/// The photos of a model's data set. A model that is no run has none.
pub struct Index {
    open: Option<Indexer>,
    opened: Mutex<Option<Arc<PhotoIndex>>>,
    drawn: Mutex<Option<Arc<PhotoMap>>>,
}

impl Index {
    /// Photos that are not opened yet.
    pub fn new(open: Option<Indexer>) -> Self {
        Self { open, opened: Mutex::default(), drawn: Mutex::default() }
    }

    /// Returns the photos. The first call computes what the run does not keep: seconds for a
    /// thousand photos. Others wait for it.
    ///
    /// # Errors
    ///
    /// 422 if the model has none, or they cannot be opened.
    pub fn get(&self) -> Result<Arc<PhotoIndex>, Problem> {
        let refused = |detail: String| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail);
        let Some(open) = &self.open else {
            let detail = "an ONNX file cannot say which photos are alike; a run can";
            return Err(refused(detail.into()));
        };
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(index) = &*opened {
            return Ok(index.clone());
        }
        let index = Arc::new(open().map_err(refused)?);
        *opened = Some(index.clone());
        Ok(index)
    }

    /// Returns the map of the photos. The first call draws it, and others wait for it.
    ///
    /// # Errors
    ///
    /// As [`Index::get`].
    pub fn map(&self) -> Result<Arc<PhotoMap>, Problem> {
        let index = self.get()?;
        let mut drawn = self.drawn.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(drawn.get_or_insert_with(|| Arc::new(PhotoMap::of(&index))).clone())
    }
}
