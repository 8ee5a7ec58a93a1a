//! A model in a thread of its own, which labels waiting photos together.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, TryRecvError};
use std::thread;
use std::time::{Duration, Instant};

use kennel_core::{Preprocessing, catch_panic};
use kennel_infer::{
    BATCH, Batch, ExplainedPhoto, InferError, Model, Prepared, Row, explain_batch, feature_batch,
    label_batch,
};
use tokio::sync::oneshot;

use crate::index::Index;
use crate::metrics::Metrics;
use crate::{Result, ServeError};

/// Opens a model. Called again after the model has failed.
pub type Opener = Box<dyn Fn() -> std::result::Result<Box<dyn Model>, String> + Send>;

/// What is known of a model.
#[derive(Clone, Debug)]
pub struct About {
    /// Names of its classes, in the order of its scores.
    pub class_names: Vec<String>,
    /// Temperature of the softmax.
    pub temperature: f64,
    /// How photos are prepared for it. None if it takes decoded photos.
    pub preprocessing: Option<Preprocessing>,
    /// Whether it tells photos of none of its classes.
    pub tells_unknown: bool,
}

/// Why a photo was not labelled: the model failed.
pub type Failed = Arc<str>;

/// A model that is served.
pub struct Hosted {
    name: String,
    about: About,
    index: Index,
    work: Sender<Work>,
    coming: Arc<AtomicUsize>,
}

/// A photo for the model's thread.
struct Work {
    name: String,
    photo: Prepared,
    ask: Ask,
}

enum Ask {
    Label(oneshot::Sender<Result<Row, Failed>>),
    Explain(Option<usize>, oneshot::Sender<Result<ExplainedPhoto, Failed>>),
    Features(oneshot::Sender<Result<Vec<f32>, Failed>>),
}

impl Hosted {
    /// Opens a model in a thread of its own. Photos that are ready wait up to `wait` for others
    /// that are being decoded.
    ///
    /// # Errors
    ///
    /// [`ServeError::Model`] if it cannot be opened, [`ServeError::Runtime`] without a thread.
    pub fn open(
        name: String,
        open: Opener,
        index: Index,
        wait: Duration,
        metrics: Metrics,
    ) -> Result<Self> {
        let (work, received) = mpsc::channel();
        let (told, about) = mpsc::channel();
        let coming = Arc::new(AtomicUsize::new(0));
        let gather = Gather { received, coming: coming.clone(), wait };
        let serving = name.clone();
        thread::Builder::new()
            .name(format!("model {name}"))
            .spawn(move || match open() {
                Err(reason) => drop(told.send(Err(ServeError::Model { reason }))),
                Ok(model) => {
                    let about = About {
                        class_names: model.class_names().to_vec(),
                        temperature: model.temperature(),
                        preprocessing: model.preprocessing().cloned(),
                        tells_unknown: model.unknown_threshold().is_some(),
                    };
                    if told.send(Ok(about)).is_ok() {
                        answer_all(model, &open, &gather, &|photos| {
                            metrics.batch(&serving, photos);
                        });
                    }
                }
            })
            .map_err(|source| ServeError::Runtime { source })?;
        let gave_up = || ServeError::Model { reason: "its thread ended".into() };
        let about = about.recv().map_err(|_| gave_up())??;
        Ok(Self { name, about, index, work, coming })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What is known of it.
    pub fn about(&self) -> &About {
        &self.about
    }

    /// The photos of its data set.
    pub fn index(&self) -> &Index {
        &self.index
    }

    /// Announces a photo, so that photos which are ready wait for it a little.
    pub fn expect(self: &Arc<Self>) -> Expected {
        self.coming.fetch_add(1, Ordering::SeqCst);
        Expected(self.clone())
    }
}

/// A photo that was announced. Dropped, it is expected no longer.
pub struct Expected(Arc<Hosted>);

impl Expected {
    /// Labels the photo.
    ///
    /// # Errors
    ///
    /// The reason if the model fails.
    pub async fn label(self, name: String, photo: Prepared) -> Result<Row, Failed> {
        let (reply, answer) = oneshot::channel();
        self.send(Work { name, photo, ask: Ask::Label(reply) }, answer).await
    }

    /// Explains the photo: for a class, or for the one that the model gives it.
    ///
    /// # Errors
    ///
    /// The reason if the model fails, as an ONNX file does.
    pub async fn explain(
        self,
        name: String,
        photo: Prepared,
        class_index: Option<usize>,
    ) -> Result<ExplainedPhoto, Failed> {
        let (reply, answer) = oneshot::channel();
        self.send(Work { name, photo, ask: Ask::Explain(class_index, reply) }, answer).await
    }

    /// Computes the features of the photo.
    ///
    /// # Errors
    ///
    /// The reason if the model fails, as an ONNX file does.
    pub async fn features(self, name: String, photo: Prepared) -> Result<Vec<f32>, Failed> {
        let (reply, answer) = oneshot::channel();
        self.send(Work { name, photo, ask: Ask::Features(reply) }, answer).await
    }

    async fn send<T>(
        self,
        work: Work,
        answer: oneshot::Receiver<Result<T, Failed>>,
    ) -> Result<T, Failed> {
        let gone = || Failed::from("the model's thread ended");
        self.0.work.send(work).map_err(|_| gone())?;
        // Only now: a thread that finds no photo coming begins without it.
        drop(self);
        answer.await.map_err(|_| gone())?
    }
}

impl Drop for Expected {
    fn drop(&mut self) {
        self.0.coming.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Collects photos for a batch.
struct Gather {
    received: Receiver<Work>,
    coming: Arc<AtomicUsize>,
    wait: Duration,
}

impl Gather {
    /// Waits for a photo, then takes those that are ready, and waits a little for those that are
    /// coming. `None` when the server has ended.
    fn next(&self) -> Option<Vec<Work>> {
        let mut batch = vec![self.received.recv().ok()?];
        let deadline = Instant::now() + self.wait;
        while batch.len() < BATCH {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.received.try_recv() {
                Ok(work) => batch.push(work),
                Err(TryRecvError::Disconnected) => break,
                Err(TryRecvError::Empty) if self.coming.load(Ordering::SeqCst) == 0 => break,
                Err(TryRecvError::Empty) => match self.received.recv_timeout(left) {
                    Ok(work) => batch.push(work),
                    Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break,
                },
            }
        }
        Some(batch)
    }
}

/// Answers photos until the server ends. Opens a model that failed again for the next batch: the
/// process of an ONNX file may have been stopped.
fn answer_all(model: Box<dyn Model>, open: &Opener, gather: &Gather, told: &dyn Fn(usize)) {
    let mut model = Ok(model);
    while let Some(batch) = gather.next() {
        if model.is_err() {
            model = open().map_err(Failed::from);
        }
        told(batch.len());
        let failed = match &mut model {
            Ok(model) => answer(&mut **model, batch).err(),
            Err(reason) => {
                refuse(batch, reason);
                None
            }
        };
        if let Some(reason) = failed {
            model = Err(reason);
        }
    }
}

/// Answers a batch. Returns the reason if the model fails.
fn answer(model: &mut dyn Model, batch: Vec<Work>) -> Result<(), Failed> {
    let (mut asked, mut replies) = (Batch::default(), Vec::new());
    let mut failed = None;
    for Work { name, photo, ask } in batch {
        match ask {
            Ask::Label(reply) => {
                asked.push(name, Ok(photo));
                replies.push(reply);
            }
            Ask::Explain(class_index, reply) => {
                let one = only(name, photo);
                let found = or_reason(|| explain_batch(model, one, class_index).map_err(as_reason))
                    .map(|mut found| found.pop().expect("one photo gives one explanation"));
                failed = failed.or(found.as_ref().err().cloned());
                // The client may have hung up.
                let _ = reply.send(found);
            }
            Ask::Features(reply) => {
                let one = only(name, photo);
                let found = or_reason(|| {
                    let row = feature_batch(model, one).map_err(as_reason)?.pop();
                    row.expect("one photo gives one row").features.map_err(as_reason)
                });
                failed = failed.or(found.as_ref().err().cloned());
                let _ = reply.send(found);
            }
        }
    }
    if !replies.is_empty() {
        match or_reason(|| label_batch(model, asked).map_err(as_reason)) {
            Ok(rows) => {
                for (reply, row) in replies.into_iter().zip(rows) {
                    let _ = reply.send(Ok(row));
                }
            }
            Err(reason) => {
                for reply in replies {
                    let _ = reply.send(Err(reason.clone()));
                }
                failed = Some(reason);
            }
        }
    }
    failed.map_or(Ok(()), Err)
}

fn only(name: String, photo: Prepared) -> Batch {
    let mut one = Batch::default();
    one.push(name, Ok(photo));
    one
}

fn refuse(batch: Vec<Work>, reason: &Failed) {
    for Work { ask, .. } in batch {
        match ask {
            Ask::Label(reply) => drop(reply.send(Err(reason.clone()))),
            Ask::Explain(_, reply) => drop(reply.send(Err(reason.clone()))),
            Ask::Features(reply) => drop(reply.send(Err(reason.clone()))),
        }
    }
}

/// Calls a model. A panic of it is an error, so that the thread goes on.
fn or_reason<T>(call: impl FnOnce() -> Result<T, Failed>) -> Result<T, Failed> {
    catch_panic(call).unwrap_or_else(|_| Err("the model gave up on these photos".into()))
}

fn as_reason(error: InferError) -> Failed {
    error.to_string().into()
}
