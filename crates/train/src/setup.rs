//! Turns the settings of a run into a network and photos that are ready for training.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use burn::module::Module;
use burn::tensor::Device;
use kennel_core::{RunDir, RunFacts, RunRecord, Settings, Split, Task, files};
use kennel_data::{
    DataError, Dataset, DatasetPhoto, Loader, LoaderOptions, PrepareOptions, Transform,
};
use kennel_infer::{BURN_VERSION, machine, manifest_digest, pixels, tell_notes};
use kennel_models::{
    Architecture, LoadOptions, Network, RegularizationRates, StateDict, architecture, draw_head,
    draw_network, is_buffer, is_under, load, locate_weights, rows, state_dict, with_frozen_norms,
    with_trainable,
};
use kennel_unknown::Unknown;

use crate::shards::Shards;
use crate::{Result, TrainError, TrainOptions, class_weights, plan};

/// Why a run whose weights have changed cannot be resumed.
pub const OTHER_WEIGHTS: &str = "the pretrained weights are not those it began with";

/// A network and its photos, ready for training.
pub struct Setup {
    /// The data set.
    pub data: Dataset,
    /// The network, with only its trainable tensors on the autodiff tape. None only during a step:
    /// the step owns the network and may overwrite its tensors.
    pub network: Option<Network>,
    /// Name prefixes of the trained tensors.
    pub trained: Vec<String>,
    /// PyTorch's `num_batches_tracked` counters, copied from the weights file.
    pub batches_tracked: BTreeMap<String, i64>,
    /// Loss weight of each class.
    pub class_weights: Vec<f64>,
    /// The head before the first step.
    pub initial_head: StateDict,
    /// How batches are cut, and the processes that share them.
    pub shards: Shards,
    /// Facts that go into the run's record.
    pub facts: RunFacts,
}

impl Setup {
    /// Returns the network.
    ///
    /// # Panics
    ///
    /// During a step, which owns the network.
    pub fn network(&self) -> &Network {
        self.network.as_ref().expect("no step is being taken")
    }
}

/// Opens the data and builds the network of a run, with pretrained weights and a new
/// head.
///
/// # Errors
///
/// Settings, photos or weights that are invalid; [`TrainError::Stopped`] once the task is stopped.
/// Nothing has been written then.
pub fn set_up(settings: &Settings, options: &TrainOptions, task: Task<'_>) -> Result<Setup> {
    settings.check()?;
    let shards = Shards::new(settings, Arc::clone(&options.ranks))?;
    let architecture = architecture(&settings.model)?;
    architecture.check_side(settings.preprocessing.side_px)?;
    architecture.check_side(settings.test_view().preprocessing.side_px)?;
    let compute = &options.compute;
    let folder = Path::new(&settings.data_dir);
    let data = match &options.data {
        Some(data) if data.root() == folder => data.clone(),
        _ => Dataset::open_with(folder, &PrepareOptions::default(), task)?,
    };
    tell_notes(&data, task);
    if data.manifest().counts(None).of(Split::Test) == 0 {
        task.note("there are no test photos: the run will say how good it is on validation only");
    }
    plan::check_splits(&data)?;
    if settings.unknown_share.is_some() {
        let photos = |split| data.photos(split).len();
        Unknown::check(photos(Split::Train), photos(Split::Val))?;
    }
    check_photos(&data, options.skip_test, task)?;
    let class_names = data.classes().to_vec();
    let mut counts = vec![0; class_names.len()];
    for photo in data.photos(Split::Train).iter() {
        counts[photo.class_index] += 1;
    }
    let class_weights = class_weights(&settings.class_weights, &class_names, &counts)?;
    let network = Network::new(
        architecture,
        class_names.len(),
        RegularizationRates::of(settings),
        compute.device(),
    );
    let trained = plan::trained_parts(&network, settings)?;
    let Filled { network, batches_tracked, weights_sha256, weights_run, weights_shared_classes } =
        fill(network, architecture, settings, &class_names, task)?;
    check_answers(&network, &data, settings, compute.device())?;
    let network = with_trainable(network, &trained);
    let network = if settings.freeze_norm { with_frozen_norms(network) } else { network };
    let state = state_dict(&network);
    let sizes = |keep: &dyn Fn(&str) -> bool| -> usize {
        state
            .iter()
            .filter(|(name, _)| !is_buffer(name) && keep(name))
            .map(|(_, v)| v.data.len())
            .sum()
    };
    let facts = RunFacts {
        trainable_params: sizes(&|name| trained.iter().any(|prefix| is_under(name, prefix))),
        total_params: sizes(&|_| true),
        trained: trained.clone(),
        photos: data.manifest().counts(None),
        device: compute.name.clone(),
        feature_cache: None,
        averaged: Vec::new(),
        weights_run,
        weights_shared_classes,
        started: machine::now().0,
        kennel_version: env!("CARGO_PKG_VERSION").into(),
        burn_version: BURN_VERSION.into(),
        weights_sha256,
        manifest_sha256: manifest_digest(&data)?,
        photos_sha256: Some(data.manifest().photos_sha256()),
        machine: machine::machine(),
        class_names,
    };
    let head = network.head();
    let initial_head = state.into_iter().filter(|(name, _)| is_under(name, head)).collect();
    let network = Some(network);
    Ok(Setup {
        data,
        network,
        trained,
        batches_tracked,
        class_weights,
        initial_head,
        shards,
        facts,
    })
}

/// Checks every photo against its digest in the manifest before training; test photos that will not
/// be read are left out. During training, each photo is checked again when it is read.
fn check_photos(data: &Dataset, skip_test: bool, task: Task<'_>) -> Result<()> {
    if !data.is_prepared() {
        return Ok(()); // read a moment ago
    }
    let splits = Split::ALL.into_iter().filter(|split| !(skip_test && *split == Split::Test));
    for photo in splits.flat_map(|split| data.photos(split).iter()) {
        task.check()?;
        if files::sha256_file(&photo.file)? != photo.sha256 {
            return Err(DataError::PhotoChanged { path: photo.file.clone() }.into());
        }
    }
    Ok(())
}

/// Checks that the logits of one training photo are finite. Finite weights can still overflow
/// together, and a running variance can be negative. Evaluation mode is used because training mode
/// ignores the running variance.
fn check_answers(
    network: &Network,
    data: &Dataset,
    settings: &Settings,
    device: &Device,
) -> Result<()> {
    let photos: Arc<[DatasetPhoto]> = data.photos(Split::Train).iter().take(1).cloned().collect();
    let transform = Transform::Eval(settings.preprocessing.clone());
    let order = (0..photos.len()).collect();
    for batch in Loader::new(&photos, order, transform, 1, &LoaderOptions::default()) {
        let logits = rows(network.infer(pixels(batch?, device))).concat();
        if let Some(&logit) = logits.iter().find(|logit| !logit.is_finite()) {
            let (weights, photo) = (settings.weights.clone(), photos[0].path.clone());
            return Err(TrainError::NoFiniteAnswer { weights, photo, logit });
        }
    }
    Ok(())
}

/// Loads the network that a run began with, in evaluation mode. Its head means nothing.
///
/// # Errors
///
/// Weights that are not there any more, or have changed since.
pub fn start_of(run: &RunDir, device: &Device) -> Result<Network> {
    let RunRecord { settings, facts } = &run.read_record()?;
    let architecture = architecture(&settings.model)?;
    let classes = &facts.class_names;
    let network = Network::new(architecture, classes.len(), RegularizationRates::default(), device);
    let filled = fill(network, architecture, settings, classes, Task::unwatched())?;
    if filled.weights_sha256 != facts.weights_sha256 {
        return Err(TrainError::CannotResume {
            path: run.path().into(),
            reason: OTHER_WEIGHTS.into(),
            hint: None,
        });
    }
    Ok(filled.network.valid())
}

/// A network with its weights, and their origin.
struct Filled {
    network: Network,
    batches_tracked: BTreeMap<String, i64>,
    weights_sha256: Option<String>,
    weights_run: Option<String>,
    weights_shared_classes: Option<usize>,
}

/// Loads the pretrained weights and draws a new head where needed; without pretrained weights draws
/// the whole network.
fn fill(
    network: Network,
    architecture: &Architecture,
    settings: &Settings,
    class_names: &[String],
    task: Task<'_>,
) -> Result<Filled> {
    let Some(weights) = settings.weights.pretrained() else {
        return Ok(Filled {
            network: draw_network(network, settings.head_init, settings.seed),
            batches_tracked: BTreeMap::new(),
            weights_sha256: None,
            weights_run: None,
            weights_shared_classes: None,
        });
    };
    let source = locate_weights(architecture, Some(weights))?;
    let checkpoint = source.read()?;
    if let Some(note) = checkpoint.note() {
        task.note(note);
    }
    let (network, ledger) =
        load(network, &checkpoint, LoadOptions::NewHead, architecture.name, &source.file)?;
    let has_head = checkpoint.tensors.keys().any(|name| is_under(name, network.head()));
    let is_replaced = !ledger.replaced_head.is_empty();
    // A head for other classes, or for the same classes in another order, would have to be
    // unlearned first.
    let is_of_others = source.class_names.as_deref().is_some_and(|names| names != class_names);
    if !has_head {
        task.note("the weights have no classifier: a new one is drawn");
    } else if is_replaced && source.fine_tuned_in.is_none() {
        // ImageNet's head is always replaced; no note needed.
    } else if is_replaced || is_of_others {
        task.note("the weights have a head for other classes: a new one is drawn");
    } else {
        let text = format!(
            "the weights have a head for {} classes already, as the data: it is kept",
            class_names.len()
        );
        task.note(text);
    }
    let network = match is_replaced || is_of_others {
        true => draw_head(network, settings.head_init, settings.seed),
        false => network,
    };
    let shared =
        |theirs: Vec<String>| class_names.iter().filter(|name| theirs.contains(name)).count();
    Ok(Filled {
        network,
        batches_tracked: checkpoint.batches_tracked,
        weights_sha256: Some(checkpoint.sha256),
        // Set only for weights that a Kennel run has fine-tuned, not for ImageNet's.
        weights_shared_classes: source
            .class_names
            .filter(|_| source.fine_tuned_in.is_some())
            .map(shared),
        weights_run: source.fine_tuned_in,
    })
}
