//! Makes batches of pixels on other threads, ahead of the network.

use std::collections::BTreeMap;
use std::num::NonZero;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use kennel_core::{Augmentation, Preprocessing};

use crate::augment::augment;
use crate::cache::PhotoCache;
use crate::dataset::DatasetPhoto;
use crate::error::Result;
use crate::resize::{normalise, prepare_pixels};

/// How each photo becomes network input.
#[derive(Clone, Debug, PartialEq)]
pub enum Transform {
    /// The evaluation transform, the same every time.
    Eval(Preprocessing),
    /// Random augmentation, drawn from the stream of (seed, view, photo).
    Train {
        /// The augmentation.
        augmentation: Augmentation,
        /// Side, filter, mean and standard deviation.
        preprocessing: Preprocessing,
        /// Seed of the run.
        seed: u64,
        /// The epoch, or the number of a cached view.
        view: u64,
    },
}

impl Transform {
    /// Side of the output square, in pixels.
    pub fn side_px(&self) -> u32 {
        match self {
            Transform::Eval(preprocessing) | Transform::Train { preprocessing, .. } => {
                preprocessing.side_px
            }
        }
    }
}

/// Some photos, ready for the network.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// `[batch, 3, side, side]`, f32, RGB, normalised.
    pub pixels: Vec<f32>,
    /// Class index of each photo.
    pub labels: Vec<usize>,
    /// [`DatasetPhoto::index`] of each photo.
    pub photos: Vec<usize>,
    /// Side of the squares, in pixels.
    pub side_px: u32,
}

impl Batch {
    /// How many photos it holds.
    pub fn len(&self) -> usize {
        self.photos.len()
    }

    /// Whether it holds no photo. A loader never returns such a batch.
    pub fn is_empty(&self) -> bool {
        self.photos.is_empty()
    }
}

/// How to make batches; none of it changes a pixel.
#[derive(Clone, Debug)]
pub struct LoaderOptions {
    /// Worker threads; 0 takes one per core.
    pub threads: usize,
    /// How many batches may be ready or in progress ahead of the consumer; at least 1.
    pub prefetch: usize,
    /// Cache of decoded photos, shared by the loaders of a run.
    pub cache: Arc<PhotoCache>,
}

impl Default for LoaderOptions {
    fn default() -> Self {
        Self { threads: 0, prefetch: 4, cache: Arc::new(PhotoCache::default()) }
    }
}

/// An iterator over batches, in the given order. The last batch may be smaller. Dropping the loader
/// stops its threads.
#[derive(Debug)]
pub struct Loader {
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
    returned: usize,
}

#[derive(Debug)]
struct Shared {
    photos: Arc<[DatasetPhoto]>,
    order: Vec<usize>,
    transform: Transform,
    batch_size: usize,
    batches: usize,
    prefetch: usize,
    cache: Arc<PhotoCache>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// The next batch to start.
    next: usize,
    /// How many batches the consumer took.
    taken: usize,
    ready: BTreeMap<usize, std::thread::Result<Result<Batch>>>,
    stopped: bool,
}

impl Loader {
    /// Starts making batches of `photos[order[0]]`, `photos[order[1]]`, and so on.
    ///
    /// # Panics
    ///
    /// When `batch_size` is 0 or `order` holds an index beyond `photos`.
    pub fn new(
        photos: &Arc<[DatasetPhoto]>,
        order: Vec<usize>,
        transform: Transform,
        batch_size: usize,
        options: &LoaderOptions,
    ) -> Self {
        assert!(batch_size > 0, "a batch holds at least one photo");
        assert!(
            order.iter().all(|&at| at < photos.len()),
            "the order names photos that are not there"
        );
        let batches = order.len().div_ceil(batch_size);
        let prefetch = options.prefetch.max(1);
        let threads = match options.threads {
            0 => std::thread::available_parallelism().map_or(1, NonZero::get),
            threads => threads,
        };
        let shared = Arc::new(Shared {
            photos: Arc::clone(photos),
            order,
            transform,
            batch_size,
            batches,
            prefetch,
            cache: Arc::clone(&options.cache),
            state: Mutex::default(),
            changed: Condvar::new(),
        });
        let workers = (0..threads.min(prefetch).min(batches))
            // Start fewer if the system refuses a thread.
            .map_while(|_| {
                let shared = Arc::clone(&shared);
                std::thread::Builder::new().spawn(move || shared.work()).ok()
            })
            .collect();
        Self { shared, workers, returned: 0 }
    }
}

impl Iterator for Loader {
    type Item = Result<Batch>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.returned == self.shared.batches {
            return None;
        }
        if self.workers.is_empty() {
            let batch = self.returned;
            self.returned += 1;
            return Some(self.shared.make(batch));
        }
        let mut state = self.shared.lock();
        let result = loop {
            if let Some(result) = state.ready.remove(&self.returned) {
                break result;
            }
            state = self.shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        };
        state.taken += 1;
        drop(state);
        self.shared.changed.notify_all();
        self.returned += 1;
        // Pass a worker's panic on to the consumer.
        Some(result.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.shared.batches - self.returned;
        (left, Some(left))
    }
}

impl ExactSizeIterator for Loader {}

impl Drop for Loader {
    fn drop(&mut self) {
        self.shared.lock().stopped = true;
        self.shared.changed.notify_all();
        for worker in self.workers.drain(..) {
            // Its panic, if any, went to the consumer with its batch.
            drop(worker.join());
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) {
        loop {
            let mut state = self.lock();
            while !state.stopped
                && state.next < self.batches
                && state.next >= state.taken + self.prefetch
            {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            if state.stopped || state.next >= self.batches {
                return;
            }
            let batch = state.next;
            state.next += 1;
            drop(state);
            let made = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| self.make(batch)));
            self.lock().ready.insert(batch, made);
            self.changed.notify_all();
        }
    }

    fn make(&self, batch: usize) -> Result<Batch> {
        let from = batch * self.batch_size;
        let places = &self.order[from..(from + self.batch_size).min(self.order.len())];
        let side_px = self.transform.side_px();
        let size = 3 * (side_px as usize).pow(2);
        let mut pixels = vec![0.0; places.len() * size];
        for (planes, &at) in pixels.chunks_exact_mut(size).zip(places) {
            let photo = self.cache.read(&self.photos[at])?;
            match &self.transform {
                Transform::Eval(preprocessing) => {
                    let square = prepare_pixels(&photo, preprocessing);
                    normalise(&square, preprocessing.mean, preprocessing.std, planes);
                }
                Transform::Train { augmentation, preprocessing, seed, view } => {
                    let index = self.photos[at].index as u64;
                    planes.copy_from_slice(&augment(
                        &photo,
                        augmentation,
                        preprocessing,
                        *seed,
                        *view,
                        index,
                    ));
                }
            }
        }
        Ok(Batch {
            pixels,
            labels: places.iter().map(|&at| self.photos[at].class_index).collect(),
            photos: places.iter().map(|&at| self.photos[at].index).collect(),
            side_px,
        })
    }
}
