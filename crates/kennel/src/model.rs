//! Labels photos with a run or an ONNX file.

use std::fmt;
use std::path::{Path, PathBuf};

use kennel_core::{RunDir, Task};
use kennel_data::{Named, RgbImage};
use kennel_explain::{HeatMap, png, side_by_side};
use kennel_infer::{Photos, Predictor, Row};
use kennel_metrics::{RankedClass, rank};
use kennel_onnx::{Classifier, Description, OnnxError, RuntimeKind};

use crate::error::Refusal;
use crate::{Error, Result, device};

/// A network that labels photos.
pub struct Model {
    inner: Box<dyn kennel_infer::Model>,
}

/// The label of a photo.
#[derive(Clone, Debug, PartialEq)]
pub struct Label {
    /// Name of the most probable class.
    pub name: String,
    /// Its probability in [0, 1].
    pub probability: f64,
    /// Every class with its probability, the most probable first.
    pub ranking: Vec<(String, f64)>,
    /// Whether the photo is of none of the classes; `None` if the model cannot tell.
    pub is_unknown: Option<bool>,
}

/// A photo with its label.
#[derive(Debug)]
pub struct Labelled {
    /// Path of the photo.
    pub photo: PathBuf,
    /// Its label, or why it has none.
    pub label: Result<Label>,
}

impl Model {
    /// Opens a run's directory, or an ONNX file.
    ///
    /// A run labels with its best epoch, on the best device that is compiled in and works.
    ///
    /// An ONNX file needs a description of its classes and preprocessing inside, as Kennel's own
    /// have. It runs in this process, in rten, or in ONNX Runtime if rten refuses it and
    /// `ORT_DYLIB_PATH` names its library. **Open only files that you trust:** a crafted graph
    /// could exhaust memory or time. The `kennel` program runs files in a process of their own.
    ///
    /// # Errors
    ///
    /// A path that is neither; a run without a checkpoint; a file that is damaged, is not a
    /// classifier of photos, or is not described.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::open_on(path, device::AUTO)
    }

    /// As [`Model::open`], but runs the network of a run on this device: `auto`, `cpu`, `cuda:1`.
    /// An ONNX file runs on the CPU.
    ///
    /// # Errors
    ///
    /// As [`Model::open`]; a device that is unknown, is not compiled in, or does not work.
    pub fn open_on(path: impl AsRef<Path>, device: &str) -> Result<Self> {
        let path = path.as_ref();
        let compute = device::open(device)?;
        if path.is_dir() {
            let run = RunDir::open(path).map_err(Error::of)?;
            let predictor = Predictor::of_run(&run, &compute).map_err(Error::of)?;
            return Ok(Self { inner: Box::new(predictor) });
        }
        if path.extension().is_none_or(|extension| !extension.eq_ignore_ascii_case("onnx")) {
            return Err(Refusal::NotAModel { path: path.into() }.into());
        }
        let classifier = open_file(path).map_err(Error::of)?;
        Ok(Self { inner: Box::new(classifier) })
    }

    /// Class names in the order that the network was trained with.
    pub fn class_names(&self) -> &[String] {
        self.inner.class_names()
    }

    /// Labels a photo.
    ///
    /// # Errors
    ///
    /// A file that is missing or cannot be decoded; a network that gives a number that is not
    /// finite.
    pub fn label(&mut self, photo: impl AsRef<Path>) -> Result<Label> {
        let photo = photo.as_ref();
        check_is_file(photo)?;
        let mut labelled = self.label_all([photo])?;
        labelled.pop().expect("one name gives one photo").label
    }

    /// Labels photos in their order, several at once. A folder stands for the photos in it, a name
    /// with `*` for those that match.
    ///
    /// A photo that cannot be labelled has the reason in its place, and the others go on.
    ///
    /// # Errors
    ///
    /// A network that fails.
    pub fn label_all<P: AsRef<Path>>(
        &mut self,
        photos: impl IntoIterator<Item = P>,
    ) -> Result<Vec<Labelled>> {
        let photos = photos.into_iter().map(|photo| as_file(photo.as_ref())).collect();
        let (names, temperature) = (self.inner.class_names().to_vec(), self.inner.temperature());
        let labelled = |row: Row| {
            let label = row.scores.map_err(Error::of).and_then(|scores| {
                let ranked = scores.rank(&names, temperature, names.len()).map_err(Error::of)?;
                Ok(Label::of(ranked, row.unknown.map(|unknown| unknown.is_unknown)))
            });
            Labelled { photo: row.photo.into(), label }
        };
        let batches = kennel_infer::label(
            &mut *self.inner,
            Photos::Named(Named::new(photos)),
            Task::unwatched(),
        );
        let mut all = Vec::new();
        for batch in batches {
            all.extend(batch.map_err(Error::of)?.into_iter().map(labelled));
        }
        Ok(all)
    }
}

impl Model {
    /// Shows where in a photo the evidence for its label lies, or that for `class`.
    ///
    /// # Errors
    ///
    /// A model that was opened from an ONNX file, which has no gradients; a class that the network
    /// does not know; otherwise as [`Model::label`].
    pub fn explain(&mut self, photo: impl AsRef<Path>, class: Option<&str>) -> Result<Explanation> {
        let photo = photo.as_ref();
        check_is_file(photo)?;
        let names = self.inner.class_names().to_vec();
        let index = |name: &str| {
            let place = names.iter().position(|known| known == name);
            place.ok_or_else(|| Refusal::NoClass { name: name.into(), known: names.join(", ") })
        };
        let class_index = class.map(index).transpose()?;
        let temperature = self.inner.temperature();
        let asked = Photos::Named(Named::new(vec![as_file(photo)]));
        let mut batches =
            kennel_infer::explain(&mut *self.inner, asked, class_index, Task::unwatched())
                .map_err(Error::of)?;
        let batch = batches.next().expect("one name gives one batch").map_err(Error::of)?;
        let explained = batch.into_iter().next().expect("one name gives one photo").explained;
        let (seen, explained) = explained.map_err(Error::of)?;
        let ranked = rank(&explained.logits, &names, temperature, names.len());
        Ok(Explanation {
            label: Label::of(ranked, None),
            class: names[explained.class_index].clone(),
            heat: explained.heat,
            seen,
        })
    }
}

/// Where in a photo the evidence for a class lies.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// The photo's label, up to rounding that of [`Model::label`]; it does not tell whether the
    /// photo is unknown.
    pub label: Label,
    /// The class that is explained.
    pub class: String,
    /// How much each place of the photo's square speaks for the class.
    pub heat: HeatMap,
    seen: RgbImage,
}

impl Explanation {
    /// Draws the square of the photo that the network saw, beside it the same with the heat over it
    /// and a legend. Returns the bytes of a PNG file.
    pub fn picture(&self) -> Vec<u8> {
        png(&side_by_side(&self.seen, &self.heat))
    }
}

impl Label {
    fn of(ranked: Vec<RankedClass>, is_unknown: Option<bool>) -> Self {
        let ranking: Vec<_> =
            ranked.into_iter().map(|class| (class.label, class.probability)).collect();
        let (name, probability) = ranking.first().cloned().expect("a network has a class");
        Self { name, probability, ranking, is_unknown }
    }
}

impl fmt::Debug for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Model").field("class_names", &self.class_names()).finish_non_exhaustive()
    }
}

/// Opens a file in rten, or in ONNX Runtime if rten refuses it and the other is here.
fn open_file(path: &Path) -> Result<Classifier, OnnxError> {
    match Classifier::open(path, RuntimeKind::Rten, Description::default()) {
        Err(refused @ OnnxError::Runtime { .. }) => {
            Classifier::open(path, RuntimeKind::OnnxRuntime, Description::default())
                .map_err(|_| refused)
        }
        opened => opened,
    }
}

fn check_is_file(photo: &Path) -> Result<()> {
    if photo.is_file() {
        return Ok(());
    }
    let found = if photo.is_dir() { "a folder" } else { "nothing" };
    Err(Refusal::NotAPhoto { path: photo.into(), found }.into())
}

/// Returns the path of a file: a lone `-` would be standard input.
fn as_file(photo: &Path) -> PathBuf {
    match photo == Path::new("-") {
        true => Path::new(".").join(photo),
        false => photo.into(),
    }
}
