//! Caches the features that the frozen stages compute, so that each view of a photo passes through
//! them once.
//!
//! The frozen stages run as folded inference, so a photo's features do not depend on the other
//! photos in its batch. Cached features therefore equal newly computed ones bit for bit, and a run
//! ends the same with a cold, a warm or no cache.

mod file;
mod store;

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use burn::tensor::{Device, Tensor};
use kennel_core::task::Event;
use kennel_core::{Hint, Hinted, Note, Settings, Split, Task, TestView, files};
use kennel_data::{DatasetPhoto, Loader, LoaderOptions, Transform};
use kennel_infer::{BATCH, mean_of_both, mirrored, pixels};
use kennel_kernels::Batch;
use kennel_models::{FeatureTensor, Network, rows, state_dict};
use serde::Serialize;

use self::file::FeatureFile;
use self::store::FeatureStore;
use crate::setup::Setup;
use crate::{Result, TrainError, TrainOptions};

/// A set of photos that is cached together: one split, or the training photos in one augmented
/// view.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// The training photos in one augmented view.
    Train {
        /// Number of the view, from 0.
        view: u64,
    },
    /// The training photos in a view of one epoch, whose pixels are mixed before the frozen stages.
    /// Never cached.
    Mixed {
        /// Number of the epoch, from 0.
        epoch: u64,
    },
    /// A split in the test view.
    Eval(Split),
    /// The mirror images of a split in the test view.
    Mirrored(Split),
}

/// Everything that determines a feature. The digest of this key names the cache folder.
#[derive(Serialize)]
struct Key<'a> {
    model: &'a str,
    /// Digest of the frozen tensors.
    frozen_sha256: String,
    frozen_stages: usize,
    preprocessing: &'a kennel_core::Preprocessing,
    augmentation: &'a kennel_core::Augmentation,
    manifest_sha256: &'a str,
    seed: u64,
    views: usize,
    device: &'a str,
    instructions: &'a str,
    kernels: u32,
    decode: u32,
}

/// Runs photos through a network, using cached features of the frozen stages where there are any.
pub struct Features {
    frozen_stages: usize,
    settings: Settings,
    view: TestView,
    photos: HashMap<Split, Arc<[DatasetPhoto]>>,
    input: LoaderOptions,
    device: Device,
    store: Option<FeatureStore>,
    files: HashMap<Part, Arc<FeatureFile>>,
    /// Whether the caller was told that features are not cached.
    is_told: bool,
    /// Whether the caller was told that features of mixed photos are not cached.
    is_told_of_mixing: bool,
}

/// How much of a run's features is cached already. A pass is one set of photos through the frozen
/// stages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeptFeatures {
    /// Passes whose features are cached.
    pub passes: usize,
    /// Passes that the run needs in all.
    pub of: usize,
    /// Photos in the cached passes.
    pub photos: usize,
}

/// A batch, before or after the frozen stages.
pub enum Shown {
    /// Normalised pixels, `[batch, 3, side, side]`.
    Pixels(Tensor<4>),
    /// Output of the frozen stages.
    Features(FeatureTensor),
}

/// Iterator over batches of photos with their labels.
pub enum Batches {
    /// Reads and decodes photos.
    Photos {
        /// Reads the photos.
        loader: Loader,
        /// Whether they are mirrored.
        is_mirrored: bool,
        /// Device of the tensors.
        device: Device,
    },
    /// Reads cached features.
    Cached {
        /// The feature file.
        file: Arc<FeatureFile>,
        /// Indices of the photos, in the order to read them.
        order: Vec<usize>,
        /// All photos of the split.
        photos: Arc<[DatasetPhoto]>,
        /// Photos per batch.
        batch_size: usize,
        /// Photos returned so far.
        given: usize,
        /// Device of the tensors.
        device: Device,
    },
}

impl Features {
    /// Prepares to run the photos of a run whose first `frozen_stages` stages are frozen.
    pub fn new(
        setup: &Setup,
        frozen_stages: usize,
        settings: &Settings,
        options: &TrainOptions,
    ) -> Self {
        let TrainOptions { compute, cache, .. } = options;
        let wants_cache = frozen_stages > 0 && settings.feature_views > 0;
        let store =
            cache.as_ref().filter(|cache| wants_cache && cache.max_bytes > 0).map(|cache| {
                let key = Key {
                    model: &settings.model,
                    frozen_sha256: frozen_digest(setup.network(), frozen_stages),
                    frozen_stages,
                    preprocessing: &settings.preprocessing,
                    augmentation: &settings.augmentation,
                    manifest_sha256: &setup.facts.manifest_sha256,
                    seed: settings.seed,
                    views: settings.feature_views,
                    device: &compute.name,
                    instructions: kennel_kernels::instruction_set(),
                    kernels: kennel_kernels::REVISION,
                    decode: kennel_data::decode::REVISION,
                };
                let text = serde_json::to_vec(&key).expect("plain data");
                FeatureStore::new(cache.clone(), files::sha256_bytes(&text)[..32].into())
            });
        Self {
            frozen_stages,
            settings: settings.clone(),
            view: settings.test_view(),
            photos: Split::ALL
                .into_iter()
                .map(|split| (split, Arc::clone(setup.data.photos(split))))
                .collect(),
            input: LoaderOptions::default(),
            device: compute.device().clone(),
            store,
            files: HashMap::new(),
            is_told: false,
            is_told_of_mixing: false,
        }
    }

    /// Prepares to compute the classifier's input, whatever the run trains.
    pub fn below_head(setup: &Setup, settings: &Settings, options: &TrainOptions) -> Self {
        let stages = setup.network().stages().len() - 1;
        Self::new(setup, stages, settings, options)
    }

    /// Computes the logits of the photos of a split at `places` in the test view, a batch at a time
    /// and in their order.
    ///
    /// # Errors
    ///
    /// As [`Features::batches`]; an item is an error when a photo can no longer be read.
    pub fn logits<'a>(
        &'a mut self,
        network: &'a Network,
        split: Split,
        places: Range<usize>,
        task: Task<'_>,
    ) -> Result<impl Iterator<Item = Result<Vec<Vec<f32>>>> + 'a> {
        let order: Vec<usize> = places.collect();
        let batches = self.batches(network, Part::Eval(split), order.clone(), BATCH, task)?;
        // Photos that were read are mirrored as they are; only cached features need others.
        let is_cached = matches!(batches, Batches::Cached { .. });
        let mut mirrored_batches = match self.view.flip && is_cached {
            true => Some(self.batches(network, Part::Mirrored(split), order, BATCH, task)?),
            false => None,
        };
        let features: &Self = self;
        let of_batch = move |batch: Result<(Shown, Vec<usize>)>| {
            let (shown, _) = batch?;
            let mirror = match (&mut mirrored_batches, &shown) {
                (Some(batches), _) => Some(batches.next().expect("as many batches")?.0),
                (None, Shown::Pixels(pixels)) if features.view.flip => {
                    Some(Shown::Pixels(mirrored(pixels.clone())))
                }
                (None, _) => None,
            };
            let logits = features.infer(network, shown);
            Ok(rows(match mirror {
                Some(mirror) => mean_of_both(logits, features.infer(network, mirror)),
                None => logits,
            }))
        };
        Ok(batches.map(of_batch))
    }

    /// Computes or reads the features of a split in the test view, in the order of its photos. If
    /// the view averages mirror images, so are their features: a linear head makes of the mean of
    /// two features the mean of their logits.
    ///
    /// # Shapes
    ///
    /// As [`Features::rows`].
    ///
    /// # Errors
    ///
    /// As [`Features::batches`].
    pub fn rows_of_view(
        &mut self,
        network: &Network,
        split: Split,
        task: Task<'_>,
    ) -> Result<(usize, Vec<f32>)> {
        let (width, mut values) = self.rows(network, Part::Eval(split), task)?;
        if self.view.flip {
            let (_, of_mirrored) = self.rows(network, Part::Mirrored(split), task)?;
            let pairs = values.iter_mut().zip(of_mirrored);
            pairs.for_each(|(value, mirrored)| *value = (*value + mirrored) / 2.0);
        }
        Ok((width, values))
    }

    /// Computes or reads the features of a part, in the order of its photos.
    ///
    /// # Shapes
    ///
    /// Returns the width of a row and `[photos, width]`.
    ///
    /// # Errors
    ///
    /// As [`Features::batches`].
    pub fn rows(
        &mut self,
        network: &Network,
        part: Part,
        task: Task<'_>,
    ) -> Result<(usize, Vec<f32>)> {
        let of = self.photos[&part.split()].len();
        let mut values = Vec::new();
        for batch in self.batches(network, part, (0..of).collect(), BATCH, task)? {
            task.check()?;
            let (_, batch) = self.features(network, batch?.0).into_records();
            values.extend(batch);
        }
        Ok((values.len() / of.max(1), values))
    }

    /// The training photos of an epoch. If stages are frozen and `feature_views` is not 0, the
    /// epochs cycle through that many views; otherwise every epoch gets a fresh one, and so does an
    /// epoch that mixes photos.
    pub fn train_part(&self, epoch: usize) -> Part {
        if self.settings.mixes(epoch) {
            return Part::Mixed { epoch: epoch as u64 };
        }
        let views = self.settings.feature_views;
        let cycles = self.frozen_stages > 0 && views > 0;
        Part::Train { view: if cycles { epoch % views } else { epoch } as u64 }
    }

    /// Folder of the cached features, if they are cached.
    pub fn folder(&self) -> Option<PathBuf> {
        self.store.as_ref().map(FeatureStore::folder)
    }

    /// How many of the features of a run of `epochs` epochs are cached already. None when the run
    /// caches none.
    pub fn kept(&self, epochs: usize) -> Option<KeptFeatures> {
        let store = self.store.as_ref()?;
        let views: HashSet<Part> = (0..epochs).map(|epoch| self.train_part(epoch)).collect();
        let mirrored = [Split::Val, Split::Test].map(Part::Mirrored);
        let mirrored = mirrored.into_iter().filter(|_| self.view.flip);
        let parts = views.into_iter().chain([Split::Val, Split::Test].map(Part::Eval));
        let parts = parts.chain(mirrored);
        let mut kept = KeptFeatures { passes: 0, of: 0, photos: 0 };
        for part in parts {
            let photos = self.photos[&part.split()].len();
            kept.of += usize::from(photos > 0);
            if photos > 0 && store.has(&self.name(part)) {
                kept.passes += 1;
                kept.photos += photos;
            }
        }
        Some(kept)
    }

    /// Batches of `batch_size` photos of `part`, in `order`. Features come from the cache, which is
    /// filled first if needed; without a cache the photos are read from their files.
    ///
    /// # Errors
    ///
    /// A photo that can no longer be read; [`TrainError::Stopped`] once the task is stopped.
    pub fn batches(
        &mut self,
        network: &Network,
        part: Part,
        order: Vec<usize>,
        batch_size: usize,
        task: Task<'_>,
    ) -> Result<Batches> {
        let file = self.cached(network, part, task)?;
        let photos = &self.photos[&part.split()];
        Ok(match file {
            Cached::Is(file) => {
                let photos = Arc::clone(photos);
                Batches::Cached {
                    file,
                    order,
                    photos,
                    batch_size,
                    given: 0,
                    device: self.device.clone(),
                }
            }
            Cached::IsNot => {
                let loader =
                    Loader::new(photos, order, self.transform(part), batch_size, &self.input);
                let device = self.device.clone();
                Batches::Photos { loader, is_mirrored: part.is_mirrored(), device }
            }
        })
    }

    /// Computes logits with the stages above the frozen ones, recording gradients for tensors that
    /// are trained.
    pub fn forward(&self, network: &Network, shown: Shown) -> Tensor<2> {
        network.top(self.features(network, shown), self.frozen_stages)
    }

    /// Computes logits without gradients.
    pub fn infer(&self, network: &Network, shown: Shown) -> Tensor<2> {
        network.infer_top(self.features(network, shown), self.frozen_stages)
    }

    fn features(&self, network: &Network, shown: Shown) -> FeatureTensor {
        match shown {
            Shown::Pixels(pixels) => network.infer_trunk(pixels, self.frozen_stages),
            Shown::Features(features) => features,
        }
    }

    fn transform(&self, part: Part) -> Transform {
        match part {
            Part::Eval(_) | Part::Mirrored(_) => Transform::Eval(self.view.preprocessing.clone()),
            Part::Train { view } | Part::Mixed { epoch: view } => {
                let preprocessing = self.settings.preprocessing.clone();
                let augmentation = self.settings.augmentation.clone();
                Transform::Train { augmentation, preprocessing, seed: self.settings.seed, view }
            }
        }
    }

    /// Returns the cached features of a part, and computes them first if they are missing.
    fn cached(&mut self, network: &Network, part: Part, task: Task<'_>) -> Result<Cached> {
        if let Part::Mixed { .. } = part {
            self.say_mixed(task);
            return Ok(Cached::IsNot);
        }
        if let Some(file) = self.files.get(&part) {
            return Ok(Cached::Is(Arc::clone(file)));
        }
        let photos = Arc::clone(&self.photos[&part.split()]);
        let Some(store) = self.store.as_ref().filter(|_| !photos.is_empty()) else {
            return Ok(Cached::IsNot);
        };
        let name = self.name(part);
        if let Some(file) = store.open(&name, photos.len()) {
            let file = Arc::new(file);
            self.files.insert(part, Arc::clone(&file));
            return Ok(Cached::Is(file));
        }
        let what = format!("features of {name}");
        let order = (0..photos.len()).collect();
        let mut writer = None;
        let mut done = 0;
        for batch in Loader::new(&photos, order, self.transform(part), BATCH, &self.input) {
            task.check()?;
            let pixels = shown_pixels(batch?, part.is_mirrored(), &self.device);
            let features = network.infer_trunk(pixels, self.frozen_stages);
            let here = features.photos();
            let (shape, values) = features.into_records();
            if writer.is_none() {
                match store.create(&name, shape, photos.len()) {
                    Ok(Some(new)) => writer = Some(new),
                    found => {
                        self.say_uncached(part, found.err(), task);
                        return Ok(Cached::IsNot);
                    }
                }
            }
            let pushed = writer.as_mut().map_or(Ok(()), |writer| writer.push(&values));
            if let Err(error) = pushed {
                self.say_uncached(part, Some(error), task);
                return Ok(Cached::IsNot);
            }
            done += here;
            task.tell(Event::Pass { what: &what, done, of: photos.len() });
        }
        match writer.expect("there are photos").finish() {
            Ok(file) => {
                let file = Arc::new(file);
                self.files.insert(part, Arc::clone(&file));
                Ok(Cached::Is(file))
            }
            Err(error) => {
                self.say_uncached(part, Some(error), task);
                Ok(Cached::IsNot)
            }
        }
    }

    /// Name of a part in the cache: `train-2`, `mixed-2`, `val`, `val-mirrored`; a test side stands
    /// in it with its crop share, `val-288px-1`.
    fn name(&self, part: Part) -> String {
        let of_view = |split: Split| match self.settings.test_side_px {
            None => split.to_string(),
            Some(side_px) => format!("{split}-{side_px}px-{}", self.view.preprocessing.crop_pct),
        };
        match part {
            Part::Train { view } => format!("train-{view}"),
            Part::Mixed { epoch } => format!("mixed-{epoch}"),
            Part::Eval(split) => of_view(split),
            Part::Mirrored(split) => format!("{}-mirrored", of_view(split)),
        }
    }

    /// Tells the caller, once, that features of mixed photos are not cached.
    fn say_mixed(&mut self, task: Task<'_>) {
        if self.store.is_some() && !std::mem::replace(&mut self.is_told_of_mixing, true) {
            task.note(
                "photos are mixed before the frozen stages: the features of training photos are \
                 computed in every epoch that mixes",
            );
        }
    }

    /// Tells the caller, once, that features are computed every time, and why. A cache that fails
    /// does not end a run.
    fn say_uncached(&mut self, part: Part, error: Option<TrainError>, task: Task<'_>) {
        if std::mem::replace(&mut self.is_told, true) {
            return;
        }
        let (why, hint) = match error {
            Some(error) => (error.to_string(), error.hints().into_iter().next()),
            None => ("the cache is full".into(), Some(Hint::LargerCache)),
        };
        let text = format!("features of {} are computed every time: {why}", self.name(part));
        task.note(Note { text, hint });
    }
}

enum Cached {
    Is(Arc<FeatureFile>),
    IsNot,
}

impl Part {
    /// The split that the photos belong to.
    pub fn split(self) -> Split {
        match self {
            Part::Train { .. } | Part::Mixed { .. } => Split::Train,
            Part::Eval(split) | Part::Mirrored(split) => split,
        }
    }

    fn is_mirrored(self) -> bool {
        matches!(self, Part::Mirrored(_))
    }
}

/// Turns a batch into a tensor, as [`pixels`] does, of mirror images if `is_mirrored`.
fn shown_pixels(batch: kennel_data::Batch, is_mirrored: bool, device: &Device) -> Tensor<4> {
    let pixels = pixels(batch, device);
    if is_mirrored { mirrored(pixels) } else { pixels }
}

impl Iterator for Batches {
    type Item = Result<(Shown, Vec<usize>)>;

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Batches::Photos { loader, is_mirrored, device } => {
                let batch = match loader.next()? {
                    Ok(batch) => batch,
                    Err(error) => return Some(Err(error.into())),
                };
                let labels = batch.labels.clone();
                Some(Ok((Shown::Pixels(shown_pixels(batch, *is_mirrored, device)), labels)))
            }
            Batches::Cached { file, order, photos, batch_size, given, device } => {
                let here = &order[*given..(*given + *batch_size).min(order.len())];
                if here.is_empty() {
                    return None;
                }
                *given += here.len();
                let mut values =
                    Vec::with_capacity(here.len() * file.shape().iter().product::<usize>());
                here.iter().for_each(|&index| file.read(index, &mut values));
                let features =
                    FeatureTensor::from_records(file.shape(), here.len(), values, device);
                let labels = here.iter().map(|&index| photos[index].class_index).collect();
                Some(Ok((Shown::Features(features), labels)))
            }
        }
    }
}

/// SHA-256 over the names, shapes and values of the frozen tensors.
fn frozen_digest(network: &Network, frozen_stages: usize) -> String {
    let stages = network.stages();
    let frozen = &stages[..frozen_stages];
    let mut digests = String::new();
    for (name, value) in state_dict(network) {
        if frozen.iter().any(|stage| stage.owns(&name)) {
            let bytes: Vec<u8> = value.data.iter().flat_map(|value| value.to_le_bytes()).collect();
            digests += &format!("{name} {:?} {}\n", value.shape, files::sha256_bytes(&bytes));
        }
    }
    files::sha256_bytes(digests.as_bytes())
}
