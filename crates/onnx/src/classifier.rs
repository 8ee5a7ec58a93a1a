//! Labels photos with an ONNX file.

use std::fmt::Display;
use std::path::Path;

use kennel_data::RgbImage;

use crate::card::unknown_threshold;
use crate::file::{TensorInfo, inputs, outputs, read_model, size_with_weights};
use crate::photo_input::{PHOTO, PROBABILITIES};
use crate::proto::ElementType;
use crate::runtime::{Input, Output, RuntimeKind, Session, Values};
use crate::unknown_output::UNKNOWN_SCORE;
use crate::worker::Apart;
use crate::{Described, Description, OnnxError, Result};

/// Most nodes of a graph. The largest network of the zoo has 2,000, quantised to int8.
const MAX_NODES: usize = 10_000;
/// Largest batch of a file whose batch size is fixed.
const MAX_BATCH: usize = 1024;

/// What a file takes as its input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// Prepared pixels `[batch, 3, side, side]`, f32.
    Pixels {
        /// The batch size, if the file fixes it.
        batch: Option<usize>,
    },
    /// A decoded photo `[height, width, 3]`, bytes.
    Photo,
}

/// An ONNX file that labels photos, opened in a runtime.
pub struct Classifier {
    session: Session,
    takes: Takes,
    input: String,
    output: String,
    /// Whether a softmax writes the output of a file that takes pixels: probabilities, not logits.
    is_softmaxed: bool,
    described: Described,
    /// Score above which a photo is unknown, if the file has the output for it.
    unknown_threshold: Option<f64>,
    /// Whether it has labelled a photo.
    has_answered: bool,
}

/// Values for some photos.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answers {
    /// One row of scores per photo.
    pub rows: Vec<Vec<f32>>,
    /// One unknown score per photo; none if the file has no threshold.
    pub unknown: Vec<f64>,
}

impl Classifier {
    /// Opens a file. Values in `given` override the metadata of the file.
    ///
    /// # Errors
    ///
    /// - those of [`read_model`]
    /// - [`OnnxError::NotAClassifier`] when its input or output is not that of a classifier of
    ///   photos
    /// - [`OnnxError::Undescribed`] when neither `given` nor the metadata say how to prepare photos
    /// - those of [`Session::open`]
    pub fn open(path: &Path, runtime: RuntimeKind, given: Description) -> Result<Self> {
        Self::open_in(path, given, |_| Session::open(path, runtime))
    }

    /// As [`Classifier::open`], but runs the file in a process of its own. For files of unknown
    /// origin.
    ///
    /// # Errors
    ///
    /// As [`Classifier::open`], with those of [`Session::open_apart`].
    pub fn open_apart(
        path: &Path,
        runtime: RuntimeKind,
        given: Description,
        apart: &Apart,
    ) -> Result<Self> {
        Self::open_in(path, given, |size_bytes| {
            Session::open_apart(path, runtime, size_bytes, apart)
        })
    }

    fn open_in(
        path: &Path,
        given: Description,
        session: impl FnOnce(u64) -> Result<Session>,
    ) -> Result<Self> {
        let model = read_model(path)?;
        let wrong = |what: &str, found: String, expected: &str| OnnxError::NotAClassifier {
            path: path.into(),
            what: what.into(),
            found,
            expected: expected.into(),
        };
        let all_inputs = inputs(&model);
        let [input] = all_inputs.as_slice() else {
            let names: Vec<_> = all_inputs.iter().map(|input| input.name.as_str()).collect();
            return Err(wrong(
                "the list of inputs",
                format!("[{}]", names.join(", ")),
                "one input",
            ));
        };
        let nodes = model.graph.as_ref().map_or(&[][..], |graph| &graph.node);
        if nodes.len() > MAX_NODES {
            // rten plans by recursion: a longer graph could overflow the stack.
            return Err(wrong(
                "the graph",
                format!("{} nodes", nodes.len()),
                &format!("at most {MAX_NODES}"),
            ));
        }
        let mut description = given.or(Description::read(path, &model)?);
        let takes = match (input.element, input.shape.as_slice()) {
            (Some(ElementType::Uint8), [_, _, None | Some(3)]) if input.name == PHOTO => {
                Takes::Photo
            }
            (Some(ElementType::Float), [batch, None | Some(3), height, width])
                if height == width =>
            {
                if let (Some(side), None) = (height, description.side_px) {
                    // `complete` rejects a side that does not fit into a u32.
                    description.side_px = Some(u32::try_from(*side).unwrap_or(u32::MAX));
                }
                if batch.is_some_and(|batch| batch > MAX_BATCH) {
                    let expected = format!("a batch of at most {MAX_BATCH}");
                    return Err(wrong(
                        &format!("input `{}`", input.name),
                        input.to_string(),
                        &expected,
                    ));
                }
                Takes::Pixels { batch: *batch }
            }
            _ => {
                let expected = "float[batch, 3, side, side] (or a photo)";
                return Err(wrong(&format!("input `{}`", input.name), input.to_string(), expected));
            }
        };
        let described = description.complete(path, takes != Takes::Photo)?;
        let side = described.preprocessing.side_px as usize;
        if let (Takes::Pixels { .. }, Some(fixed)) = (takes, input.shape[2])
            && fixed != side
        {
            let expected = format!("{side} pixels a side, as its metadata or the given side say");
            return Err(wrong(&format!("input `{}`", input.name), input.to_string(), &expected));
        }
        let classes = described.class_names.len();
        let all_outputs = outputs(&model);
        let is_scores = |output: &&TensorInfo| match takes {
            Takes::Photo => output.name == PROBABILITIES,
            Takes::Pixels { .. } => {
                output.element == Some(ElementType::Float) && output.shape.len() == 2
            }
        };
        let Some(output) = all_outputs.iter().find(is_scores) else {
            let found: Vec<_> = all_outputs.iter().map(|o| format!("{} {o}", o.name)).collect();
            return Err(wrong(
                "the list of outputs",
                format!("[{}]", found.join(", ")),
                "one of float[batch, classes]",
            ));
        };
        if let Some(Some(extent)) = output.shape.last()
            && *extent != classes
        {
            let expected = format!("{classes} classes, as many as there are names");
            return Err(wrong(&format!("output `{}`", output.name), output.to_string(), &expected));
        }
        let has_unknown_score = all_outputs.iter().any(|output| {
            output.name == UNKNOWN_SCORE
                && output.element == Some(ElementType::Float)
                && output.shape.len() == 1
        });
        let unknown_threshold = match has_unknown_score {
            true => unknown_threshold(path, &model)?,
            false => None,
        };
        let (input, output) = (input.name.clone(), output.name.clone());
        let writer = nodes.iter().find(|node| node.output.contains(&output));
        let is_softmaxed = writer.is_some_and(|node| node.op_type == "Softmax");
        let size_bytes = size_with_weights(path, &model)?;
        drop(model);
        let session = session(size_bytes)?;
        Ok(Self {
            session,
            takes,
            input,
            output,
            is_softmaxed,
            described,
            unknown_threshold,
            has_answered: false,
        })
    }

    /// What the file takes.
    pub fn takes(&self) -> Takes {
        self.takes
    }

    /// Class names, preprocessing and temperature.
    pub fn described(&self) -> &Described {
        &self.described
    }

    /// Score above which a photo is of none of the classes, if the file tells.
    pub fn unknown_threshold(&self) -> Option<f64> {
        self.unknown_threshold
    }

    /// Seconds that the last run of the graph took.
    pub fn last_run_s(&self) -> f64 {
        self.session.last_run_s()
    }

    /// Logits of prepared photos, one row per photo, all of them finite.
    ///
    /// # Shapes
    ///
    /// `pixels`: `[count, 3, side, side]`.
    ///
    /// # Errors
    ///
    /// [`OnnxError::Runtime`] when the run fails or a logit is not finite;
    /// [`OnnxError::NotAClassifier`] when the output has another number of classes.
    ///
    /// # Panics
    ///
    /// When the file takes photos, or `pixels` has another length.
    pub fn logits(&mut self, pixels: &[f32], count: usize) -> Result<Vec<Vec<f32>>> {
        let rows = self.answers(pixels, count)?.rows;
        rows.iter().try_for_each(|row| self.check_logits(row))?;
        Ok(rows)
    }

    /// Checks that the logits of a photo are finite.
    ///
    /// # Errors
    ///
    /// [`OnnxError::Runtime`] when one is not.
    pub fn check_logits(&self, logits: &[f32]) -> Result<()> {
        self.check_values(logits, f32::is_finite)
    }

    /// Checks that unknown scores are finite.
    ///
    /// # Errors
    ///
    /// [`OnnxError::Runtime`] when one is not.
    pub fn check_unknown_scores(&self, scores: &[f64]) -> Result<()> {
        match scores.iter().find(|score| !score.is_finite()) {
            None => Ok(()),
            Some(score) => Err(self.holds(UNKNOWN_SCORE, score)),
        }
    }

    /// As [`Classifier::logits`], with unknown scores, but without checking the values: a row may
    /// hold NaN or infinity.
    ///
    /// # Errors
    ///
    /// As [`Classifier::logits`], except for values that are not finite.
    ///
    /// # Panics
    ///
    /// As [`Classifier::logits`].
    pub fn answers(&mut self, pixels: &[f32], count: usize) -> Result<Answers> {
        let Takes::Pixels { batch } = self.takes else {
            panic!("this file takes photos, not pixels")
        };
        let side = self.described.preprocessing.side_px as usize;
        let each = 3 * side * side;
        assert_eq!(pixels.len(), count * each, "pixels of [{count}, 3, {side}, {side}]");
        let mut answers = Answers::default();
        let mut rest = pixels;
        while !rest.is_empty() {
            let left = rest.len() / each;
            // A file in a process of its own has a time limit per photo. Send the first photo
            // alone, so that a file that is too slow fails after one photo.
            let is_first = self.session.is_apart() && !self.has_answered;
            let at_once = batch.unwrap_or(if is_first { 1 } else { left });
            let photos = at_once.min(left);
            let (pixels, after) = rest.split_at(photos * each);
            rest = after;
            // Pad a fixed batch with zeros.
            let mut filled = Vec::new();
            let pixels = if photos < at_once {
                filled.extend_from_slice(pixels);
                filled.resize(at_once * each, 0.0);
                &filled
            } else {
                pixels
            };
            let shape = [at_once, 3, side, side];
            let input = Input { name: &self.input, shape: &shape, values: Values::Floats(pixels) };
            let (Output { shape, mut values }, unknown) =
                run(&mut self.session, input, &self.output, self.unknown_threshold.is_some())?;
            let classes = self.described.class_names.len();
            if shape != [at_once, classes] {
                return Err(self.other_shape(&shape, &format!("[{at_once}, {classes}]")));
            }
            self.check_unknown(&unknown, at_once)?;
            if self.is_softmaxed {
                // Skip NaN: `max` would replace it by a number.
                let is_number = |p: &&mut f32| !p.is_nan();
                values
                    .iter_mut()
                    .filter(is_number)
                    .for_each(|p| *p = p.max(f32::MIN_POSITIVE).ln());
            }
            self.has_answered = true;
            let rows = values.chunks_exact(classes).take(photos);
            answers.rows.extend(rows.map(<[f32]>::to_vec));
            answers.unknown.extend(unknown.iter().take(photos).map(|&score| f64::from(score)));
        }
        Ok(answers)
    }

    /// Probabilities of a decoded photo, one per class, after temperature and softmax; and its
    /// unknown score if the file tells.
    ///
    /// # Shapes
    ///
    /// `photo`: any size; RGB, upright.
    ///
    /// # Errors
    ///
    /// As [`Classifier::logits`], except that each value must lie in `[-0.001, 1.001]`.
    ///
    /// # Panics
    ///
    /// When the file takes pixels.
    pub fn probabilities(&mut self, photo: &RgbImage) -> Result<(Vec<f32>, Option<f64>)> {
        assert_eq!(self.takes, Takes::Photo, "this file takes pixels, not photos");
        let shape = [photo.height() as usize, photo.width() as usize, 3];
        let input =
            Input { name: &self.input, shape: &shape, values: Values::Bytes(photo.as_raw()) };
        let (Output { shape, values }, unknown) =
            run(&mut self.session, input, &self.output, self.unknown_threshold.is_some())?;
        let classes = self.described.class_names.len();
        if values.len() != classes {
            return Err(self.other_shape(&shape, &format!("[{classes}]")));
        }
        self.check_values(&values, |value| (-1e-3..=1.001).contains(&value))?;
        self.check_unknown(&unknown, 1)?;
        Ok((values, unknown.first().map(|&score| f64::from(score))))
    }

    fn check_unknown(&self, scores: &[f32], photos: usize) -> Result<()> {
        if self.unknown_threshold.is_none() || scores.len() == photos {
            return Ok(());
        }
        Err(OnnxError::NotAClassifier {
            path: self.session.path().into(),
            what: format!("output `{UNKNOWN_SCORE}`"),
            found: format!("{} values", scores.len()),
            expected: format!("{photos}, one for each photo"),
        })
    }

    fn other_shape(&self, found: &[usize], expected: &str) -> OnnxError {
        OnnxError::NotAClassifier {
            path: self.session.path().into(),
            what: format!("output `{}`", self.output),
            found: format!("{found:?}"),
            expected: format!("{expected}: as many classes as there are names"),
        }
    }

    fn check_values(&self, values: &[f32], fits: impl Fn(f32) -> bool) -> Result<()> {
        match values.iter().find(|value| !fits(**value)) {
            None => Ok(()),
            Some(value) => Err(self.holds(&self.output, value)),
        }
    }

    /// The error for a value that an output must not have.
    fn holds(&self, output: &str, value: impl Display) -> OnnxError {
        OnnxError::Runtime {
            runtime: self.session.kind(),
            verb: "run",
            path: self.session.path().into(),
            reason: format!("its output `{output}` holds {value}"),
            timed_out: false,
        }
    }
}

/// Runs a graph once. Returns its scores, and the unknown scores if they are wanted.
fn run(
    session: &mut Session,
    input: Input<'_>,
    output: &str,
    with_unknown: bool,
) -> Result<(Output, Vec<f32>)> {
    if !with_unknown {
        return Ok((session.run(input, &[output])?.remove(0), Vec::new()));
    }
    let mut found = session.run(input, &[output, UNKNOWN_SCORE])?;
    let unknown = found.pop().map(|output| output.values).unwrap_or_default();
    Ok((found.remove(0), unknown))
}
