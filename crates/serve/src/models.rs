//! The models that are served, by name.

use std::sync::{Arc, PoisonError, RwLock};

use crate::hosted::{Hosted, Opener};
use crate::index::{Index, Indexer};
use crate::metrics::Metrics;
use crate::problem::Problem;
use crate::{Limits, Result, ServeError};

/// What a model was opened from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A run's directory: it can be explained.
    Run,
    /// An ONNX file.
    Onnx,
}

/// A model to serve.
pub struct Served {
    /// The name by which clients ask for it.
    pub name: String,
    /// What it is opened from.
    pub kind: Kind,
    /// Opens it.
    pub open: Opener,
    /// Opens the photos of its data set.
    pub index: Option<Indexer>,
}

/// Models that are served. The first is the default.
#[derive(Default)]
pub struct Models(RwLock<Vec<(Kind, Arc<Hosted>)>>);

impl Models {
    /// Opens a model, and serves it as the last.
    ///
    /// # Errors
    ///
    /// [`ServeError::SameName`] if there is one of this name; those of [`Hosted::open`].
    pub fn add(&self, served: Served, limits: &Limits, metrics: &Metrics) -> Result<()> {
        let Served { name, kind, open, index } = served;
        if self.find(&name).is_some() {
            return Err(ServeError::SameName { name });
        }
        let hosted = Hosted::open(name, open, Index::new(index), limits.batch, metrics.clone())?;
        let mut models = self.0.write().unwrap_or_else(PoisonError::into_inner);
        // Another request may have opened it meanwhile.
        if models.iter().any(|(_, other)| other.name() == hosted.name()) {
            return Err(ServeError::SameName { name: hosted.name().into() });
        }
        models.push((kind, Arc::new(hosted)));
        Ok(())
    }

    /// Returns all models, in their order.
    pub fn all(&self) -> Vec<(Kind, Arc<Hosted>)> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns the model of a name.
    pub fn find(&self, name: &str) -> Option<(Kind, Arc<Hosted>)> {
        self.all().into_iter().find(|(_, hosted)| hosted.name() == name)
    }

    /// Returns the model that a client asks for: by name, or the first.
    ///
    /// # Errors
    ///
    /// 404 if there is none.
    pub fn asked(&self, name: Option<&str>) -> Result<(Kind, Arc<Hosted>), Problem> {
        match name {
            Some(name) => self.find(name).ok_or_else(|| {
                let all = self.all();
                let names: Vec<&str> = all.iter().map(|(_, hosted)| hosted.name()).collect();
                Problem::not_found(format!("no model is called {name:?}; there are {names:?}"))
            }),
            None => self
                .all()
                .into_iter()
                .next()
                .ok_or_else(|| Problem::not_found("no model is served yet")),
        }
    }
}
