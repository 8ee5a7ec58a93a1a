//! Exports several runs as one ONNX file that averages their probabilities.

use std::collections::BTreeSet;
use std::path::PathBuf;

use burn::module::Module;
use kennel_core::hint::Describe;
use kennel_core::task::{Event, Stage};
use kennel_core::{Preprocessing, RunDir, Split, Task, files};
use kennel_infer::{Compute, Model, Predictor};
use kennel_metrics::{Proportion, log_average};
use kennel_models::{describe, load_trained};
use kennel_onnx::{ModelCard, Precision};

use crate::averaged::{Part, join};
use crate::export::{Draft, Exported, prove, scratch_beside};
use crate::mirrored::with_mirror;
use crate::proof::Reference;
use crate::{ExportError, ExportOptions, Result, graph, parity, photos, provenance};

/// What to export.
#[derive(Clone, Debug, PartialEq)]
pub struct EnsembleOptions {
    /// Path of the file.
    pub path: PathBuf,
    /// Accuracy of the ensemble on the test photos, for the model card.
    pub test_accuracy: Option<Proportion>,
    /// Folder that holds the runs' photos now; `None` for the one that training used.
    pub data_dir: Option<PathBuf>,
}

/// Exports finished runs as one float32 file. `members` are the runs and their shares in the
/// average, which are positive and sum to 1. All have predicted the same photos.
///
/// The file takes pixels. Its first output holds logits, the logarithms of the averaged
/// probabilities, so that whatever reads the file of one run reads this one; its temperature is 1.
/// It has no output that tells unknown photos.
/// It is compared with the networks on the validation photos and gets its name when it passes, as
/// in [`crate::export`].
///
/// # Errors
///
/// [`ExportError::NotOneFile`] when two runs have other classes or prepare photos differently; as
/// [`crate::export`].
///
/// # Panics
///
/// Without members.
pub fn export_ensemble(
    members: &[(RunDir, f64)],
    options: &EnsembleOptions,
    wording: Describe<'_>,
    task: Task<'_>,
) -> Result<Exported> {
    if options.path.is_dir() {
        return Err(ExportError::InTheWay { what: "a folder", path: options.path.clone() });
    }
    let first = &members[0].0;
    let settings = first.read_record()?.settings;
    let (data, gone) = photos::open(first, &settings, &[Split::Val], options.data_dir.as_deref())?;
    let val = photos::some_of(&data, Split::Val, usize::MAX)?;
    if val.is_empty() {
        return Err(ExportError::NoPhotos { run: first.path().into() });
    }
    if gone > 0 {
        task.tell(Event::PhotosGone(gone));
    }
    let scratch = scratch_beside(&options.path)?;
    // Find a damaged `parity.json` before the work starts.
    parity::read(files::folder_of(&options.path))?;

    let (mut parts, mut cards, mut networks) = (Vec::new(), Vec::new(), Vec::new());
    for (run, weight) in members {
        let (network, record) = load_trained(run, Compute::cpu().device())?;
        let network = network.valid();
        let card = provenance::card(run, &record, Precision::Float32)?;
        if let Some(first) = cards.first() {
            check_fits(&card, first)?;
        }
        let (side_px, classes) = (card.preprocessing.side_px, card.class_names.len());
        let described = describe(&network, side_px);
        let mut model = graph::to_onnx(&described, &card.architecture, side_px, classes);
        if card.test_flip {
            model = with_mirror(model, classes);
        }
        parts.push(Part { model, temperature: card.temperature, weight: *weight });
        let (names, view) = (card.class_names.clone(), record.settings.test_view());
        let network = Predictor::new(network, view, names, card.temperature, &Compute::cpu());
        networks.push((network, *weight));
        cards.push(card);
    }
    let mut card = joint_card(&cards, options.test_accuracy);
    let (side_px, classes) = (card.preprocessing.side_px, card.class_names.len());
    let model = join(parts, side_px, classes);

    task.tell(Event::Stage(Stage::RunNetwork { photos: val.len() }));
    let mut networks = Networks { networks };
    let reference = Reference::of(&mut networks, val, task)?;
    drop(networks);
    card.val_accuracy = Some(reference.accuracy());
    let as_float = ExportOptions {
        data_dir: options.data_dir.clone(),
        ..ExportOptions::float(options.path.clone())
    };
    let draft = Draft { model, card, int8: None, scratch: &scratch };
    prove(draft, &reference, &as_float, wording, task)
}

fn check_fits(card: &ModelCard, first: &ModelCard) -> Result<()> {
    let reason = if card.class_names != first.class_names {
        "it has other classes"
    } else if card.preprocessing != first.preprocessing {
        "it takes photos that are prepared in another way"
    } else {
        return Ok(());
    };
    Err(ExportError::NotOneFile { run: card.run.clone(), first: first.run.clone(), reason })
}

/// The card of the file. What the members have in common stands there once.
fn joint_card(cards: &[ModelCard], test_accuracy: Option<Proportion>) -> ModelCard {
    let distinct = |of: fn(&ModelCard) -> &String| {
        let all: BTreeSet<&str> = cards.iter().map(|card| of(card).as_str()).collect();
        all.into_iter().collect::<Vec<_>>().join(", ")
    };
    let listed = |of: fn(&ModelCard) -> &String| {
        cards.iter().map(|card| of(card).as_str()).collect::<Vec<_>>().join(", ")
    };
    ModelCard {
        temperature: 1.0,
        test_flip: cards.iter().any(|card| card.test_flip),
        architecture: distinct(|card| &card.architecture),
        weights: distinct(|card| &card.weights),
        weights_licence: distinct(|card| &card.weights_licence),
        run: listed(|card| &card.run),
        run_sha256: listed(|card| &card.run_sha256),
        val_accuracy: None,
        test_accuracy,
        ..cards[0].clone()
    }
}

/// The trained networks and their shares, as one model.
struct Networks {
    networks: Vec<(Predictor, f64)>,
}

impl Model for Networks {
    fn class_names(&self) -> &[String] {
        self.networks[0].0.class_names()
    }

    fn temperature(&self) -> f64 {
        1.0
    }

    fn preprocessing(&self) -> Option<&Preprocessing> {
        Some(&self.networks[0].0.view().preprocessing)
    }

    fn logits(&mut self, pixels: Vec<f32>, count: usize) -> kennel_infer::Result<Vec<Vec<f32>>> {
        let mut rows = Vec::with_capacity(self.networks.len());
        for (network, weight) in &mut self.networks {
            let logits = network.logits(pixels.clone(), count)?;
            rows.push((logits, network.temperature(), *weight));
        }
        let of_photo = |photo: usize| {
            log_average(rows.iter().map(|(logits, t, weight)| (&logits[photo][..], *t, *weight)))
        };
        Ok((0..count).map(of_photo).collect())
    }
}
