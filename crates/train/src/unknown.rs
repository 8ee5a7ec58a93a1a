//! Learns what known photos look like, so that the run can tell unknown ones.

use std::path::Path;

use burn::tensor::Device;
use kennel_core::{Note, RunDir, Settings, Split, Task};
use kennel_data::Dataset;
use kennel_infer::{late_features, write_unknown};
use kennel_metrics::{Proportion, UnknownFacts};
use kennel_models::Network;
use kennel_unknown::{Moments, Unknown};

use crate::Result;
use crate::left_out::ByClass;
use crate::setup::start_of;

/// Whether a training moves every stage whose features tell unknown photos, of a network that was
/// pretrained. Such features keep what tells the classes apart and lose the rest: the features of
/// the network as it was before tell unknown photos then.
fn loses_unknown(network: &Network, trained: &[String], settings: &Settings) -> bool {
    settings.weights.pretrained().is_some()
        && network.frozen_stages(trained) <= network.late_stages().start
}

/// Fits to the training photos, takes the threshold from the validation photos, and writes
/// `checkpoints/unknown.safetensors`. Then counts the test photos that are refused, and the photos
/// of each class that would be if it was left out; they decide nothing.
///
/// # Errors
///
/// Too few photos, or features that are not finite; a photo that cannot be read; a file that cannot
/// be written; [`kennel_core::Stopped`] once the task is stopped.
pub fn learn_unknown(
    run: &RunDir,
    network: &Network,
    data: &Dataset,
    settings: &Settings,
    share: f64,
    device: &Device,
    task: Task<'_>,
) -> Result<()> {
    let start = match loses_unknown(network, &run.read_record()?.facts.trained, settings) {
        true => Some(start_of(run, device)?),
        false => None,
    };
    // The score is of the photo alone, also where the logits are averaged with those of its mirror
    // image: it then tells the same photos, and needs no second pass.
    let view = settings.test_view();
    let pass = |split: Split, take: &mut dyn FnMut(&[f32], usize)| -> Result<()> {
        let what = format!("known photos, {split}");
        let (photos, preprocessing) = (data.photos(split), &view.preprocessing);
        let network = start.as_ref().unwrap_or(network);
        Ok(late_features(network, photos, preprocessing, device, &what, task, take)?)
    };
    let (mut train, mut by_class) = (None, ByClass::new(data));
    pass(Split::Train, &mut |rows, width| {
        let train = train.get_or_insert_with(|| Moments::new(width));
        train.push(rows);
        by_class.push(rows, train);
    })?;
    let mut val = Vec::new();
    pass(Split::Val, &mut |rows, _| val.extend_from_slice(rows))?;
    let train = train.expect("a run has training photos");
    let unknown = Unknown::fit(&train, &val, share)?;

    let refused = |rows: &[f32]| {
        let rows = rows.chunks_exact(train.width());
        rows.filter(|row| unknown.refuses(unknown.known.score(row))).count()
    };
    let mut test = 0;
    pass(Split::Test, &mut |rows, _| test += refused(rows))?;
    let of = |count: usize, split: Split| match data.photos(split).len() {
        0 => None,
        photos => Some(Proportion::new(count, photos)),
    };
    let facts = UnknownFacts {
        share,
        threshold: unknown.threshold,
        val: of(refused(&val), Split::Val).expect("`Unknown::fit` counts validation photos"),
        test: of(test, Split::Test),
        left_out: by_class.refused(&train, &val, share, task)?,
    };
    let mut changes = run.changes()?;
    let write =
        |path: &Path| -> Result<()> { Ok(write_unknown(path, &unknown, start.as_ref(), &facts)?) };
    changes.write(&run.unknown(), write)?;
    changes.commit()?;
    task.note(sentence(&facts));
    Ok(())
}

/// `3 of 379 test photos (0.8 %) would be called unknown; 1 % were allowed for`.
fn sentence(facts: &UnknownFacts) -> Note {
    let (split, found) = match facts.test {
        Some(test) => ("test", test),
        None => ("validation", facts.val),
    };
    let text = format!(
        "{} of {} {split} photos ({:.1} %) would be called unknown; {} % were allowed for",
        found.correct,
        found.n,
        100.0 * found.value,
        (100.0 * facts.share) as f32
    );
    text.into()
}
